// Adds to package-lock.json the platform packages that npm left out.
//
// A registry or mirror that does not carry the packages of other platforms makes
// `npm install` drop them from the lock, and `npm ci` then refuses it everywhere.
// What is known without the registry is put back: the version that the parent
// names, and the platform that the name tells. Run after every `npm install`:
//
//     node scripts/complete-lock.mjs
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = 'package-lock.json';
const SUFFIX =
  /(android|darwin|freebsd|linux|openbsd|openharmony|win32)-(arm64|aarch64|x64|armv7|arm|ppc64|riscv64|s390x|ia32|loong64)(?:-(musl|gnu|msvc|eabi|gnueabihf|musleabihf))?$/;
const CPUS = { aarch64: 'arm64', armv7: 'arm' };

const lock = JSON.parse(readFileSync(FILE, 'utf8'));
const { '': root, ...packages } = lock.packages;
let added = 0;
for (const [path, parent] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    if (place in packages || `${path}/${place}` in packages) continue;
    const match = SUFFIX.exec(name);
    if (match === null) throw new Error(`${name}: the platform is not told by the name`);
    const [, os, cpu, abi] = match;
    packages[place] = {
      version,
      cpu: [CPUS[cpu] ?? cpu],
      ...(parent.dev ? { dev: true } : {}),
      ...(os === 'linux' && abi ? { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] } : {}),
      ...(parent.license ? { license: parent.license } : {}),
      optional: true,
      os: [os],
    };
    added += 1;
  }
}
const sorted = Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1));
lock.packages = { '': root, ...Object.fromEntries(sorted) };
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`added ${added} packages to ${FILE}\n`);
