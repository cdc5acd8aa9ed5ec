// Installs the packed package with npm, as a program of its user.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';

/**
 * What npm may not say. It also names packages whose scripts it has not run: koffi and protobufjs,
 * which do without theirs.
 */
const WARNINGS = /npm warn (?:deprecated|EBADENGINE|ERESOLVE)|\brunlet@/;

/**
 * Fails if npm has anything to say against the package, or if the program does not print what
 * its first command is to print, and nothing else.
 *
 * @param {string} tarball
 * @param {string} folder for all that npm writes but its cache
 */
export async function checkInstallation(tarball, folder) {
  const home = join(folder, 'global');
  mkdirSync(home);
  // What its user has set up does not hide warnings.
  const npmrc = join(home, 'npmrc');
  writeFileSync(npmrc, '');
  const env = { ...process.env, npm_config_loglevel: 'warn', npm_config_userconfig: npmrc };
  const flags = ['--global', '--prefix', home, '--prefer-offline', '--no-audit', '--no-fund'];
  const { stderr } = await run('npm', ['install', ...flags, tarball], home, env);
  if (WARNINGS.test(stderr)) throw new Error(`npm warns of the package:\n${stderr}`);
  const hello = await run(join(home, 'bin/runlet'), ['run', '--', 'echo', 'hello'], home, env);
  if (hello.stdout !== 'hello\n' || hello.stderr !== '') {
    throw new Error(`runlet run -- echo hello printed:\n${hello.stdout}${hello.stderr}`);
  }
}
