import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { lstat, readFile, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';
import { lockFile } from '../../src/file-lock.ts';
import { type Listener, listen } from '../../src/server/listener.ts';
import { temporaryFolder } from '../support/harness.ts';

/**
 * An address of this machine that is this file's alone, where there are several: a port of it
 * that is free again is given to nobody else.
 */
const LOOPBACK = process.platform === 'linux' ? '127.76.83.78' : '127.0.0.1';

/** Listens until the test is over, and greets everyone who connects. */
async function greet(address: Address, greeting = 'hello'): Promise<Listener> {
  const listener = await listen(address, (socket) => {
    // A probe goes without reading the greeting.
    socket.on('error', () => {});
    socket.end(greeting);
  });
  onTestFinished(() => listener.close());
  return listener;
}

/** What a listener says to someone who connects. */
async function greetingAt(address: Address): Promise<string> {
  const socket =
    address.kind === 'unix'
      ? connect({ path: address.path })
      : connect({ host: address.host, port: address.port });
  return text(socket);
}

async function socketPath(): Promise<string> {
  return join(await temporaryFolder(), 'runlet.sock');
}

/** Leaves the socket of a server that was killed. */
async function leaveStaleSocket(path: string): Promise<void> {
  const script = `require('node:net').createServer().listen(process.argv[1], () => console.log())`;
  const server = spawn(process.execPath, ['-e', script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(server.stdout, 'data');
  server.kill('SIGKILL');
  await once(server, 'close');
  expect((await lstat(path)).isSocket()).toBe(true);
}

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

/** Sets the umask of this process until the test is over. */
function useUmask(mask: number): void {
  const before = process.umask(mask);
  onTestFinished(() => void process.umask(before));
}

describe('a Unix socket', () => {
  it('takes connections and hands them over', async () => {
    const address: Address = { kind: 'unix', path: await socketPath() };
    const listener = await greet(address);
    expect(listener.address).toEqual(address);
    expect(await greetingAt(address)).toBe('hello');
  });

  it.each([0, 0o022, 0o777])('has mode 0600 with the umask %d', async (mask) => {
    const path = await socketPath();
    useUmask(mask);
    await greet({ kind: 'unix', path });
    expect(await modeOf(path)).toBe(0o600);
  });

  it('leaves the umask as it was', async () => {
    const path = await socketPath();
    useUmask(0o027);
    const listening = greet({ kind: 'unix', path });
    expect(process.umask()).toBe(0o027);
    await listening;
    expect(process.umask()).toBe(0o027);
  });

  it('leaves the umask as it was if it cannot be bound', async () => {
    const path = await socketPath();
    await writeFile(path, '');
    useUmask(0o027);
    await expect(greet({ kind: 'unix', path })).rejects.toThrow();
    expect(process.umask()).toBe(0o027);
  });

  it('gets its folders made, for its user alone', async () => {
    const root = await temporaryFolder();
    useUmask(0);
    await greet({ kind: 'unix', path: join(root, 'a', 'b', 'runlet.sock') });
    expect(await modeOf(join(root, 'a'))).toBe(0o700);
    expect(await modeOf(join(root, 'a', 'b'))).toBe(0o700);
  });

  it('replaces one that a dead server left', async () => {
    const path = await socketPath();
    await leaveStaleSocket(path);
    await greet({ kind: 'unix', path });
    expect(await greetingAt({ kind: 'unix', path })).toBe('hello');
    expect(await modeOf(path)).toBe(0o600);
  });

  it('is refused where another server listens, which goes on', async () => {
    const address: Address = { kind: 'unix', path: await socketPath() };
    await greet(address, 'first');
    await expect(greet(address, 'second')).rejects.toThrow('another server listens');
    expect(await greetingAt(address)).toBe('first');
  });

  it('is not looked at while another server does so', async () => {
    const path = await socketPath();
    await leaveStaleSocket(path);
    const lock = await lockFile(`${path}.lock`);
    let over = false;
    const waiting = greet({ kind: 'unix', path }).finally(() => {
      over = true;
    });
    // What nobody holds up goes through the same steps meanwhile.
    for (let other = 0; other < 10; other++) {
      await greet({ kind: 'unix', path: await socketPath() });
    }
    expect(over).toBe(false);
    lock.release();
    await waiting;
    expect(await greetingAt({ kind: 'unix', path })).toBe('hello');
  });

  it('that a dead server left is taken by one of two at once', async () => {
    const address: Address = { kind: 'unix', path: await socketPath() };
    await leaveStaleSocket(address.path);
    const both = await Promise.allSettled([greet(address, 'one'), greet(address, 'other')]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(readdirSync(dirname(address.path))).toEqual(['runlet.sock']);
  });

  it('stays if it is that of another server by the time that the listener closes', async () => {
    const address: Address = { kind: 'unix', path: await socketPath() };
    const listener = await greet(address, 'first');
    await unlink(address.path);
    await greet(address, 'second');
    await listener.close();
    expect(await greetingAt(address)).toBe('second');
    expect(readdirSync(dirname(address.path))).toEqual(['runlet.sock']);
  });

  it('does not take the place of a file', async () => {
    const path = await socketPath();
    await writeFile(path, 'precious');
    await expect(greet({ kind: 'unix', path })).rejects.toThrow('EADDRINUSE');
    expect(await readFile(path, 'utf8')).toBe('precious');
  });

  it('does not take the place of a symbolic link', async () => {
    const path = await socketPath();
    const target = `${path}.target`;
    await leaveStaleSocket(target);
    await symlink(target, path);
    await expect(greet({ kind: 'unix', path })).rejects.toThrow('EADDRINUSE');
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
    expect((await lstat(target)).isSocket()).toBe(true);
  });

  it('goes when the listener closes', async () => {
    const path = await socketPath();
    const listener = await greet({ kind: 'unix', path });
    await listener.close();
    await expect(lstat(path)).rejects.toThrow('ENOENT');
    await greet({ kind: 'unix', path }, 'again');
    expect(await greetingAt({ kind: 'unix', path })).toBe('again');
  });
});

describe('a TCP address', () => {
  it('with port 0 gets a port, which it tells', async () => {
    const { address } = await greet({ kind: 'tcp', host: LOOPBACK, port: 0 });
    expect(address).toEqual({ kind: 'tcp', host: LOOPBACK, port: expect.any(Number) });
    expect(address.kind === 'tcp' && address.port).toBeGreaterThan(0);
    expect(await greetingAt(address)).toBe('hello');
  });

  it('keeps the port that was asked for', async () => {
    const first = await greet({ kind: 'tcp', host: LOOPBACK, port: 0 });
    await first.close();
    const second = await greet(first.address);
    expect(second.address).toEqual(first.address);
  });

  it('is refused where another server listens', async () => {
    const { address } = await greet({ kind: 'tcp', host: LOOPBACK, port: 0 });
    await expect(greet(address)).rejects.toThrow('EADDRINUSE');
  });
});

describe('a listener that is closed', () => {
  it('takes no more connections', async () => {
    const listener = await greet({ kind: 'tcp', host: LOOPBACK, port: 0 });
    await listener.close();
    await expect(greetingAt(listener.address)).rejects.toThrow('ECONNREFUSED');
  });

  it('lets the connections that it took go on', async () => {
    const accepted: Socket[] = [];
    const path = await socketPath();
    let connected = (): void => {};
    const connection = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const listener = await listen({ kind: 'unix', path }, (socket) => {
      accepted.push(socket);
      connected();
    });
    const client = connect({ path });
    await connection;
    await listener.close();
    accepted[0]?.end('still here');
    expect(await text(client)).toBe('still here');
  });

  it('can be closed again', async () => {
    const listener = await greet({ kind: 'unix', path: await socketPath() });
    await listener.close();
    await expect(listener.close()).resolves.toBeUndefined();
  });
});

describe('a path that is too long for a socket', () => {
  it('is refused, and nothing listens anywhere', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'x'.repeat(110));
    await expect(listen({ kind: 'unix', path }, () => {})).rejects.toThrow('longer than 107 bytes');
    expect(readdirSync(folder)).toEqual([]);
  });
});
