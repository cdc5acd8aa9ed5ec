import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Address, formatAddress } from '../../src/address.ts';
import { LAUNCHER_NAMES } from '../../src/process/launchers.ts';
import { connectTo } from '../support/client.ts';
import { firstLineOf } from '../support/first-line.ts';
import { LAUNCHER, temporaryFolder } from '../support/harness.ts';
import { hasTool } from '../support/needed-tools.ts';
import { type MadeSocket, type Passing, passSockets } from '../support/passed-sockets.ts';
import { MAIN } from '../support/served.ts';
import { endsWithTest, serviceFlags } from '../support/service.ts';

const HAS_PYTHON = hasTool('python3', '--version');

/** Where one is; all that are asked for have an address here. */
function at(addresses: readonly (Address | undefined)[], i: number): Address {
  const address = addresses[i];
  if (address === undefined) throw new Error('it has no address');
  return address;
}

function portOf(address: Address): number {
  return address.kind === 'tcp' ? address.port : 0;
}

async function end(child: ChildProcess): Promise<number | null> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = (await exited) as [number | null];
  return code;
}

async function socketPath(): Promise<string> {
  return join(await temporaryFolder(), 'socket');
}

describe.skipIf(!HAS_PYTHON)('sockets that systemd passes', () => {
  it('are listened at by their names, with the calls that waited there', async () => {
    const path = await socketPath();
    const flags = ['--listen', 'systemd:here', '--listen', 'systemd:net,auth=none'];
    const passed = await passSockets([{ kind: 'tcp' }, { kind: 'unix', path }], flags, {
      names: 'net:here',
    });
    const [tcp, unix] = [at(passed.addresses, 0), at(passed.addresses, 1)];
    // They connect while nobody is there yet who would answer.
    const calls = [unix, tcp].map((address) => connectTo(address).run(['echo', 'here']));
    for (const address of [unix, tcp]) {
      const socket =
        address.kind === 'unix'
          ? connectSocket({ path: address.path })
          : connectSocket({ host: address.host, port: address.port });
      await once(socket, 'connect');
      socket.destroy();
    }
    expect(await passed.begin(2)).toEqual([
      `runlet listening on ${formatAddress(unix)}`,
      `runlet listening on ${formatAddress(tcp)}`,
    ]);
    for (const { stdout } of await Promise.all(calls)) expect(stdout.toString()).toBe('here\n');
    expect(await end(passed.child)).toBe(0);
  });

  it('are all that there are for who names none of them', async () => {
    const flags = ['--auth', 'none', '--listen', 'systemd:a', '--listen', 'systemd'];
    const sockets: MadeSocket[] = [{ kind: 'tcp' }, { kind: 'tcp' }, { kind: 'tcp' }];
    const passed = await passSockets(sockets, flags, { names: 'b:a:b' });
    const lines = await passed.begin(3);
    const places = [1, 0, 2].map((i) => formatAddress(at(passed.addresses, i)));
    expect(lines).toEqual(places.map((place) => `runlet listening on ${place}`));
  });

  it('are used where no listener is named', async () => {
    const passed = await passSockets([{ kind: 'unix', path: await socketPath() }], []);
    const address = at(passed.addresses, 0);
    expect(await passed.begin(1)).toEqual([`runlet listening on ${formatAddress(address)}`]);
    await connectTo(address).info();
  });

  it('are used where a listener has their address, and others are made beside', async () => {
    const [path, other] = [await socketPath(), await socketPath()];
    const flags = ['--listen', `unix:${other}`, '--listen', `unix:${path}`];
    const passed = await passSockets([{ kind: 'unix', path }], flags);
    const waits = connectTo(at(passed.addresses, 0)).info();
    const made = { kind: 'unix', path: other } as const;
    expect(await passed.begin(2)).toHaveLength(2);
    await Promise.all([waits, connectTo(made).info()]);
    expect(await end(passed.child)).toBe(0);
    // What it has made is gone, what was made by another is not.
    expect((await lstat(path)).isSocket()).toBe(true);
    await expect(lstat(other)).rejects.toThrow('ENOENT');
  });

  it('tell who connects', async () => {
    const path = await socketPath();
    const nobody = await passSockets([{ kind: 'unix', path }], ['--allow-uid', '54321']);
    await nobody.begin(1);
    await expect(connectTo(at(nobody.addresses, 0)).info()).rejects.toMatchObject({
      reason: 'UNAUTHENTICATED',
    });
  });

  it('are out of reach of whoever would come from the server itself', async () => {
    const path = await socketPath();
    const sockets: MadeSocket[] = [{ kind: 'tcp' }, { kind: 'unix', path }];
    const passed = await passSockets(sockets, ['--auth', 'none', '--egress-allow', '127.0.0.1']);
    await passed.begin(2);
    const tcp = at(passed.addresses, 0);
    const session = await connectTo(tcp).session();
    for (const target of [{ path }, { host: '127.0.0.1', port: portOf(tcp) }]) {
      await expect(session.connect(target)).rejects.toMatchObject({ reason: 'EGRESS_DENIED' });
    }
  });

  it('can be of IPv6', async () => {
    const passed = await passSockets([{ kind: 'tcp', host: '::1' }], ['--auth', 'none']);
    const address = at(passed.addresses, 0);
    expect(await passed.begin(1)).toEqual([`runlet listening on ${formatAddress(address)}`]);
    await connectTo(address).info();
  });

  it('can be what metrics are told at', async () => {
    const flags = ['--auth', 'none', '--metrics', 'systemd:metrics'];
    const passed = await passSockets([{ kind: 'tcp' }, { kind: 'tcp' }], flags, {
      names: 'metrics:calls',
    });
    const [metrics, calls] = passed.addresses.map((address) => address && formatAddress(address));
    const scrape = fetch(`http://${metrics}/livez`);
    expect(await passed.begin(2)).toEqual([
      `runlet listening on ${calls}`,
      `runlet metrics on ${metrics}`,
    ]);
    expect(await (await scrape).text()).toBe('ok\n');
  });

  it.each(LAUNCHER_NAMES.filter((name) => LAUNCHER === undefined || name === LAUNCHER))(
    'are not had by processes that are started by %s, nor are the variables',
    async (launcher) => {
      const sockets: MadeSocket[] = [{ kind: 'tcp' }, { kind: 'tcp' }];
      const flags = ['--auth', 'none', '--launcher', launcher];
      // With a variable of its own a server becomes another program, where it can.
      const passed = await passSockets(sockets, flags, { env: { RUNLET_SECRET: 'x' } });
      await passed.begin(2);
      const client = connectTo(at(passed.addresses, 1));
      const envPolicy = { inherit: 'all' } as const;
      const script = 'env; for fd in /proc/$$/fd/*; do readlink "$fd"; done';
      const { stdout } = await client.run(['/bin/sh', '-c', script], { envPolicy });
      expect(stdout.toString()).toMatch(/^PATH=/m);
      expect(stdout.toString()).not.toMatch(/^LISTEN_|^RUNLET_/m);
      const { stdout: tables } = await client.run(['/bin/sh', '-c', 'ls -l /proc/self/fd']);
      const held = tables.toString().match(/socket:\[\d+\]/g) ?? [];
      // Of `child_process` these are the standard streams.
      expect(held.length).toBeLessThanOrEqual(launcher === 'child_process' ? 3 : 0);
    },
  );

  it('are taken from the program that systemd has for that', async (context) => {
    if (!hasTool('systemd-socket-activate', '--version')) context.skip();
    const path = await socketPath();
    const argv = ['--listen', path, '--fdname', 'mine', MAIN, 'serve', '--listen', 'systemd:mine'];
    const child = spawn('systemd-socket-activate', [...argv, ...(await serviceFlags())], {
      env: process.env,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    endsWithTest(child);
    const address = { kind: 'unix', path } as const;
    await expect.poll(() => lstat(path).catch(() => undefined)).toBeDefined();
    // It starts the server when somebody connects.
    const info = connectTo(address).info();
    expect(await firstLineOf(child)).toBe(`runlet listening on unix:${path}`);
    await info;
  });
});

describe.skipIf(!HAS_PYTHON)('sockets that cannot be used', () => {
  /** What is passed, the flags, and what is said to it. `*`: what differs. */
  const refused: readonly [string, readonly MadeSocket[], readonly string[], string, Passing?][] = [
    [
      'that were passed to another process',
      [{ kind: 'tcp' }],
      ['--listen', 'systemd'],
      '--listen systemd: systemd has passed sockets to process *, LISTEN_PID, and this is *',
      { forks: true },
    ],
    [
      'that are not there',
      [],
      ['--listen', 'systemd:x'],
      '--listen systemd:x: systemd has passed no socket: LISTEN_FDS is 0',
    ],
    [
      'with other names',
      [{ kind: 'tcp' }, { kind: 'tcp' }],
      ['--listen', 'systemd:c'],
      '--listen systemd:c: it is none of a, b',
      { names: 'a:b' },
    ],
    [
      'that are named twice',
      [{ kind: 'tcp' }],
      ['--listen', 'systemd:a', '--listen', 'systemd:a', '--auth', 'none'],
      '--listen systemd:a: it is none of those that are left',
      { names: 'a' },
    ],
    [
      'that nothing names',
      [{ kind: 'tcp' }, { kind: 'tcp' }],
      ['--listen', 'systemd:a', '--auth', 'none'],
      'systemd has passed the socket b, 127.0.0.1:*, which no --listen names',
      { names: 'a:b' },
    ],
    [
      'that are fewer than is said',
      [{ kind: 'tcp' }],
      ['--listen', 'systemd'],
      'the socket unknown that systemd passed, descriptor 4, is no socket, or fewer were passed than LISTEN_FDS says',
      { count: 2 },
    ],
    [
      'of which there is no number',
      [{ kind: 'tcp' }],
      ['--listen', 'systemd'],
      'LISTEN_FDS is many, and no number up to 256',
      { count: 'many' },
    ],
    [
      'that do not listen',
      [{ kind: 'silent' }],
      ['--listen', 'systemd'],
      'the socket unknown that systemd passed, descriptor 3, does not listen: Accept= of its unit has to be no',
    ],
    [
      'of packets',
      [{ kind: 'packets', path: '' }],
      ['--listen', 'systemd'],
      'the socket unknown that systemd passed, descriptor 3, is no stream',
    ],
    [
      'of datagrams',
      [{ kind: 'datagrams' }],
      ['--listen', 'systemd'],
      'the socket x that systemd passed, descriptor 3, is no stream',
      { names: 'x' },
    ],
    [
      'that are none',
      [{ kind: 'file' }],
      ['--listen', 'systemd'],
      'the socket unknown that systemd passed, descriptor 3, is no socket, or fewer were passed than LISTEN_FDS says',
    ],
    [
      'without a file',
      [{ kind: 'abstract', path: `runlet-test-${process.pid}` }],
      ['--listen', 'systemd'],
      'the socket unknown that systemd passed, descriptor 3, has no file, by whose mode the system knows who may open it',
    ],
    [
      'of TCP without saying who is let in',
      [{ kind: 'tcp' }],
      ['--listen', 'systemd'],
      '--listen 127.0.0.1:* needs --auth',
    ],
    [
      'that are not of TCP, for metrics',
      [{ kind: 'unix', path: '' }],
      ['--metrics', 'systemd:m'],
      '--metrics systemd:m: it is no socket of TCP',
      { names: 'm' },
    ],
    [
      'that are several, for metrics',
      [{ kind: 'tcp' }, { kind: 'tcp' }],
      ['--metrics', 'systemd:m'],
      '--metrics systemd:m: there are several of that name',
      { names: 'm:m' },
    ],
  ];
  it.each(refused)('are refused: those %s', async (_, sockets, flags, said, passing) => {
    const path = await socketPath();
    const made = sockets.map((each) =>
      'path' in each && each.path === '' ? { ...each, path } : each,
    );
    const passed = await passSockets(made, flags, passing);
    const [code, text] = await passed.fail();
    // The last says where there is help.
    expect(text.replace(/^runlet: /, '').replace(/; see .*$/, '')).toMatch(
      new RegExp(
        `^${said
          .split('*')
          .map((part) => part.replace(/[[\].]/g, '\\$&'))
          .join('\\d+')}$`,
      ),
    );
    expect(code).toBe(2);
  });

  it('are refused where all may open them and nobody is asked', async () => {
    const path = await socketPath();
    const flags = ['--listen', 'systemd', '--auth', 'none'];
    const open = await passSockets([{ kind: 'unix', path, mode: 0o666 }], flags);
    const [code, text] = await open.fail();
    expect(text).toContain(`refusing to listen on unix:${path} without authentication`);
    expect(code).toBe(125);
    const closed = await passSockets([{ kind: 'unix', path: await socketPath() }], flags);
    expect(await closed.begin(1)).toHaveLength(1);
  });
});
