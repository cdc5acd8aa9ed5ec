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
import { type MadeSocket, passSockets } from '../support/passed-sockets.ts';
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
