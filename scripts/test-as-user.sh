#!/usr/bin/env bash
#
# Runs the tests of processes as an ordinary user, for whom other rights and limits
# hold than for root: in a copy of this clone, which has to be built. Where it is
# started by an ordinary user it does nothing, since all tests ran as that one.
#
#   TEST_REPORT=PATH scripts/test-as-user.sh [ARGUMENT OF vitest...]
#
# The report (scripts/gate/test-report.mjs) is optional. Needs setpriv of util-linux.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($(id -u) != 0)); then
  echo 'not root: all tests ran as an ordinary user'
  exit
fi

# nobody
user=65534

work=$(mktemp -d)
# Of a run that was stopped, too: what it has said so far tells which files have to be run again.
finish() {
  local report=$work/tmp/report.jsonl
  if [[ -n ${TEST_REPORT:-} && -e $report ]]; then cp "$report" "$TEST_REPORT"; fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 143' TERM
mkdir "$work/clone" "$work/home" "$work/tmp"
cp -a bundle dist node_modules proto scripts src test package.json tsconfig*.json vitest.*.ts "$work/clone"
chown -R "$user:$user" "$work"

(
  cd "$work/clone"
  setpriv --reuid="$user" --regid="$user" --clear-groups --inh-caps=-all \
    env --unset=XDG_RUNTIME_DIR HOME="$work/home" TMPDIR="$work/tmp" USER=nobody LOGNAME=nobody \
    TEST_REPORT="$work/tmp/report.jsonl" TEST_BUILT=1 \
    node_modules/.bin/vitest run --config vitest.launcher.config.ts "$@"
)
