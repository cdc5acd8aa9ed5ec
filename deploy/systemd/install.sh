#!/bin/sh
#
# Lays out runlet and what systemd needs of it below a folder, as a package of Debian has it:
#
#   deploy/systemd/install.sh DESTDIR
#
# The project has to be built (npm ci). Nothing is started, enabled or registered: README.md says
# what is to be done then. DESTDIR / is this machine.
set -eu

if [ $# -ne 1 ]; then
  echo 'usage: deploy/systemd/install.sh DESTDIR' >&2
  exit 2
fi
mkdir -p "$1"
destination=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
if [ ! -e bundle/main.js ]; then
  echo 'install.sh: the project is not built: npm ci' >&2
  exit 1
fi

# What npm would publish, and nothing that happens to lie about.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack --silent --ignore-scripts --pack-destination "$work" >/dev/null
tar -xzf "$work"/runlet-*.tgz -C "$work"
package=$work/package

library=$destination/usr/lib/runlet
documents=$destination/usr/share/doc/runlet
manual=$destination/usr/share/man/man1
rm -rf "$library"
install -d "$library/node_modules/@koromix" "$documents" "$manual" "$destination/usr/bin"
# The program, which has its libraries in it. For programs in TypeScript there is the package of npm.
cp -R "$package/bundle" "$package/package.json" "$library"
ln -sf ../lib/runlet/bundle/main.js "$destination/usr/bin/runlet"
# All that it has not: what calls the system, as npm has chosen it for this platform. Where there is
# none for it, the server starts processes in another way, and can neither tell systemd nor be passed
# sockets.
for module in node_modules/koffi node_modules/@koromix/koffi-*; do
  if [ -e "$module/package.json" ]; then cp -R "$module" "$library/$module"; fi
done
# Whoever packed it may have had another umask, and nobody is to change what root may run.
chmod -R u+rwX,go+rX,go-w "$library"

for page in "$package"/man/*.1; do
  gzip -9 -n -c "$page" >"$manual/$(basename "$page").gz"
done
install -m 644 "$here/README.md" "$package/CHANGELOG.md" "$documents"
install -m 644 "$package/LICENSE" "$documents/copyright"

units=$destination/usr/lib/systemd/system
install -d "$units" "$destination/usr/lib/sysusers.d" "$destination/usr/lib/tmpfiles.d" \
  "$destination/etc/default"
install -m 644 "$here/runlet.service" "$here/runlet.socket" "$units"
install -m 644 "$here/sysusers.conf" "$destination/usr/lib/sysusers.d/runlet.conf"
install -m 644 "$here/tmpfiles.conf" "$destination/usr/lib/tmpfiles.d/runlet.conf"
# What the operator has written stays.
if [ ! -e "$destination/etc/default/runlet" ]; then
  install -m 644 "$here/runlet.default" "$destination/etc/default/runlet"
fi
