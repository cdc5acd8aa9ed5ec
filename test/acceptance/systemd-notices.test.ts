import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { connectTo } from '../support/client.ts';
import { temporaryFolder } from '../support/harness.ts';
import { hasTool } from '../support/needed-tools.ts';
import { type NoticesReceiver, receiveNotices, type Told } from '../support/notices.ts';
import { type Service, startService, stateOf } from '../support/service.ts';

const isReady = ({ notice }: Told): boolean => notice['READY'] === '1';
const isBeat = ({ notice }: Told): boolean => notice['WATCHDOG'] === '1';

/** Microseconds between signs of life that are waited for: beats come at half of it. */
const WATCHDOG_USEC = '100000';

/** So many beats of one server say that another, which does not beat, had the time to. */
const MANY = 10;

/** How many beats of one server come while another, which can, beats so often. */
async function beatsBeside(
  receiver: NoticesReceiver,
  server: Service,
  other: Service,
): Promise<number> {
  let beats = 0;
  for (let others = 0; others < MANY; ) {
    const told = await receiver.next();
    if (!isBeat(told)) continue;
    if (told.pid === other.pid) others += 1;
    if (told.pid === server.pid) beats += 1;
  }
  return beats;
}

describe.skipIf(!hasTool('python3', '--version'))('what systemd is told', () => {
  it('is, by the main process, that the server is ready once it listens', async () => {
    const receiver = await receiveNotices();
    const starting = startService({ env: { NOTIFY_SOCKET: receiver.where } });
    const first = await receiver.next();
    const server = await starting;
    expect(first).toEqual({
      pid: server.pid,
      notice: { READY: '1', STATUS: `Listening on ${formatAddress(server.address)}` },
    });
    // Nobody waits for signs of life.
    expect(await receiver.before()).toEqual([]);
    await connectTo(server.address).info();
  });

  it('is so at an abstract socket, too', async () => {
    const receiver = await receiveNotices(`@runlet-test-${randomUUID()}`);
    const server = await startService({ env: { NOTIFY_SOCKET: receiver.where } });
    expect(await receiver.next()).toMatchObject({ pid: server.pid, notice: { READY: '1' } });
  });

  it('is when the configuration is read again, and when that is over', async () => {
    const receiver = await receiveNotices();
    const server = await startService({ env: { NOTIFY_SOCKET: receiver.where } });
    await receiver.until(isReady);
    const before = process.hrtime.bigint() / 1000n;
    server.child.kill('SIGHUP');
    const told = await receiver.until(isReady);
    const after = process.hrtime.bigint() / 1000n;
    expect(told.map(({ notice }) => Object.keys(notice))).toEqual([
      ['RELOADING', 'MONOTONIC_USEC', 'STATUS'],
      ['READY', 'STATUS'],
    ]);
    const at = BigInt(told[0]?.notice['MONOTONIC_USEC'] ?? 0);
    expect(at >= before && at <= after).toBe(true);
  });

  it('is that the server ends, and that it needs time for that', async () => {
    const receiver = await receiveNotices();
    const server = await startService({ env: { NOTIFY_SOCKET: receiver.where } });
    await receiver.until(isReady);
    expect(await server.end()).toBe(0);
    const notices = (await receiver.before()).map(({ notice }) => notice);
    expect(notices).toEqual([
      { STOPPING: '1', STATUS: 'Shutting down' },
      { EXTEND_TIMEOUT_USEC: '15000000' },
    ]);
  });

  it('is why no new work is to come', async () => {
    const receiver = await receiveNotices();
    const flags = ['--high-water', 'sessions=1'];
    const server = await startService({ env: { NOTIFY_SOCKET: receiver.where }, flags });
    await receiver.until(isReady);
    const session = await connectTo(server.address).session();
    const listening = `Listening on ${formatAddress(server.address)}`;
    expect((await receiver.next()).notice).toEqual({
      STATUS: `${listening}; not ready for new work: sessions`,
    });
    await session.close();
    expect((await receiver.next()).notice).toEqual({ STATUS: listening });
  });

  it('is nothing, and the log says so, where that cannot be done', async () => {
    const told = 'systemd cannot be told how the server is';
    for (const where of ['vsock:2:1', `/none/${randomUUID()}`, `/${'x'.repeat(200)}`]) {
      const server = await startService({ env: { NOTIFY_SOCKET: where } });
      await connectTo(server.address).info();
      expect(await server.end()).toBe(0);
      expect(server.log.filter(({ msg }) => msg === told)).toHaveLength(1);
    }
  });

  it('is nothing, and the log says so, without the native module', async () => {
    const code = `
      import Module from 'node:module';
      const find = Module._resolveFilename;
      Module._resolveFilename = (name, ...others) => {
        if (name === 'koffi') throw new Error('there is none');
        return find(name, ...others);
      };`;
    const receiver = await receiveNotices();
    const env = { NOTIFY_SOCKET: receiver.where };
    const flags = ['--auth', 'none', '--launcher', 'child_process'];
    const server = await startService({ env, flags, code });
    await connectTo(server.address).info();
    expect(await server.end()).toBe(0);
    const told = server.log.filter(({ msg }) => msg === 'systemd cannot be told how the server is');
    expect(told).toMatchObject([
      { err: { message: expect.stringContaining('koffi, the native module, cannot be loaded') } },
    ]);
    expect(await receiver.before()).toEqual([]);
  });

  it('is told by no process of the server', async () => {
    const receiver = await receiveNotices();
    const env = { NOTIFY_SOCKET: receiver.where, LISTEN_FDNAMES: 'x', WATCHDOG_USEC: '5000000' };
    const server = await startService({ env });
    const { stdout } = await connectTo(server.address).run(['env'], {
      envPolicy: { inherit: 'all' },
    });
    expect(stdout.toString()).toContain('PATH=');
    expect(stdout.toString()).not.toMatch(/^(?:NOTIFY_|WATCHDOG_|LISTEN_)/m);
  });
});

describe.skipIf(!hasTool('python3', '--version'))('a server with a watchdog', () => {
  it('gives signs of life while it lives, and none while it is stopped', async () => {
    const receiver = await receiveNotices();
    const env = { NOTIFY_SOCKET: receiver.where, WATCHDOG_USEC };
    const line = 'WATCHDOG_PID=$$; export WATCHDOG_PID';
    const [server, other] = await Promise.all([
      startService({ env, line }),
      startService({ env, line }),
    ]);
    for (const { pid } of [server, other]) {
      await receiver.until((told) => told.pid === pid && isBeat(told));
    }
    server.child.kill('SIGSTOP');
    await expect.poll(() => stateOf(server.pid)).toBe('T');
    await receiver.before();
    expect(await beatsBeside(receiver, server, other)).toBe(0);
    server.child.kill('SIGCONT');
    await receiver.until((told) => told.pid === server.pid && isBeat(told));
  });

  it('gives none while its event loop stands still, though the process runs', async () => {
    const receiver = await receiveNotices();
    const env = { NOTIFY_SOCKET: receiver.where, WATCHDOG_USEC };
    const folder = await temporaryFolder();
    const [held, go] = [join(folder, 'held'), join(folder, 'go')];
    const code = `
      import { existsSync, writeFileSync } from 'node:fs';
      process.on('SIGWINCH', () => {
        writeFileSync('${held}', '');
        while (!existsSync('${go}'));
      });`;
    const [server, other] = await Promise.all([startService({ env, code }), startService({ env })]);
    onTestFinished(() => writeFile(go, ''));
    server.child.kill('SIGWINCH');
    await expect.poll(() => existsSync(held)).toBe(true);
    await receiver.before();
    expect(await beatsBeside(receiver, server, other)).toBe(0);
    await writeFile(go, '');
    await receiver.until((told) => told.pid === server.pid && isBeat(told));
  });

  it('gives them while it ends, and asks for more time again', async () => {
    const receiver = await receiveNotices();
    const env = { NOTIFY_SOCKET: receiver.where, WATCHDOG_USEC };
    const server = await startService({ env, flags: ['--drain-timeout', '10m'] });
    await connectTo(server.address).session();
    const ended = server.end();
    await receiver.until(({ notice }) => notice['STOPPING'] === '1');
    for (let times = 0; times < 2; times += 1) {
      const asked = await receiver.until(({ notice }) => 'EXTEND_TIMEOUT_USEC' in notice);
      // There is nothing to say before the first.
      expect(asked.some(isBeat)).toBe(times > 0);
    }
    // Nobody waits for the session any longer.
    server.child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('gives none where another process is to give them', async () => {
    const receiver = await receiveNotices();
    const env = { NOTIFY_SOCKET: receiver.where, WATCHDOG_USEC };
    const line = `WATCHDOG_PID=${process.pid}; export WATCHDOG_PID`;
    const [server, other] = await Promise.all([startService({ env, line }), startService({ env })]);
    expect(await beatsBeside(receiver, server, other)).toBe(0);
  });
});
