// @ts-check
/**
 * Installs what is measured beside runlet and comes from npm, outside of the project:
 *
 *     npm run bench:install
 *
 * What comes from the system's packages is named, not installed.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { ALTERNATIVES, CODEX } from './servers/exec-server.mjs';

mkdirSync(ALTERNATIVES, { recursive: true });
const { status } = spawnSync(
  'npm',
  ['install', '--no-audit', '--no-fund', '--prefix', ALTERNATIVES, CODEX],
  { stdio: 'inherit' },
);
process.stdout.write(
  'From the packages of the system: an SSH server, and h2load\n' +
    '(Debian: apt-get install openssh-server nghttp2-client).\n',
);
process.exit(status ?? 1);
