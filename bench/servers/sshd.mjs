// @ts-check
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MissingError } from '../lib/missing-error.mjs';
import { freePort, stopProgram } from './server.mjs';

/** @import { Server } from './server.mjs' */

/** Where it is on most systems; it has to be started by its path. */
const PROGRAMS = ['/usr/sbin/sshd', '/usr/bin/sshd', '/usr/local/sbin/sshd'];

/** How long it may take until it takes connections, in steps of so long. */
const WAIT_MS = 50;
const WAITS = 100;

/**
 * Finds the program.
 *
 * @returns {{ program: string, version: string }}
 * @throws MissingError
 */
export function findSshd() {
  const program = PROGRAMS.find((path) => existsSync(path));
  const { status, stderr } = spawnSync('ssh', ['-V'], { encoding: 'utf8' });
  if (program === undefined || status !== 0) {
    throw new MissingError('OpenSSH: Debian has it in openssh-server and openssh-client');
  }
  return { program, version: stderr.trim().split(',')[0] ?? '' };
}

/**
 * Starts it on a port of the loopback interface, for the user of this process alone, and
 * a client that keeps the connection which all others share.
 *
 * @param {{ program: string }} found
 * @returns {Promise<Server>} its address is a configuration file that knows the host `bench`
 */
export async function startSshd({ program }) {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-bench-'));
  const port = await freePort();
  const file = (/** @type {string} */ name) => join(folder, name);
  for (const name of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)]);
  }
  // Where root runs it, it wants a folder of its own to be.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  writeFileSync(
    file('sshd_config'),
    lines({
      Port: port,
      ListenAddress: '127.0.0.1',
      HostKey: file('host'),
      AuthorizedKeysFile: file('user.pub'),
      StrictModes: 'no',
      UsePAM: 'no',
      PidFile: 'none',
      MaxSessions: 1000,
      // Else the user's shell reads its start-up files for each command.
      SetEnv: 'HOME=/',
    }),
  );
  const config = file('ssh_config');
  writeFileSync(
    config,
    lines({
      Host: 'bench',
      HostName: '127.0.0.1',
      Port: port,
      User: userInfo().username,
      IdentityFile: file('user'),
      UserKnownHostsFile: '/dev/null',
      StrictHostKeyChecking: 'no',
      ControlPath: file('control'),
      LogLevel: 'error',
    }),
  );
  const server = spawn(program, ['-D', '-f', file('sshd_config')], { stdio: 'ignore' });
  await until(() => listens(port));
  const master = spawn('ssh', ['-F', config, '-M', '-N', 'bench'], { stdio: 'ignore' });
  await until(async () => existsSync(file('control')));
  return {
    address: config,
    pid: server.pid ?? 0,
    stop: async () => {
      await stopProgram(master);
      await stopProgram(server);
      rmSync(folder, { recursive: true });
    },
  };
}

/** @param {number} port */
async function listens(port) {
  const socket = connect(port, '127.0.0.1');
  const [event] = await Promise.race([
    once(socket, 'connect').then(() => ['connect']),
    once(socket, 'close').then(() => ['close']),
  ]).catch(() => ['error']);
  socket.destroy();
  return event === 'connect';
}

/** @param {() => Promise<boolean>} check */
async function until(check) {
  for (let waits = 0; !(await check()); waits += 1) {
    if (waits === WAITS) throw new Error('sshd takes no connections');
    await sleep(WAIT_MS);
  }
}

/** @param {Record<string, string | number>} settings */
function lines(settings) {
  return Object.entries(settings)
    .map(([key, value]) => `${key} ${value}\n`)
    .join('');
}
