import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compileFirst, sourceHash } from '../../../scripts/first-process.mjs';
import { RLIMIT_CORE, RLIMIT_NOFILE } from '../../../src/process/native/libc.ts';
import {
  COLLECT,
  type FirstMessage,
  FirstMessages,
} from '../../../src/sandbox/first/first-messages.ts';
import { encodeOrder, type FirstOrder } from '../../../src/sandbox/first/order.ts';
import { FIRST_PROGRAMS, FIRST_SOURCE_HASH } from '../../../src/sandbox/first/programs.ts';
import { temporaryFolder } from '../../support/harness.ts';

type Arch = keyof typeof FIRST_PROGRAMS;

const QEMU = '/usr/bin/qemu-aarch64-static';

/** How a program of a kind of machine is run here; undefined: it cannot be. */
function runnerOf(arch: Arch): readonly string[] | undefined {
  if (arch === process.arch) return [];
  return arch === 'arm64' && existsSync(QEMU) ? [QEMU] : undefined;
}

/** Every program there is: those of the package, and those that are compiled here. */
const PROGRAMS = (['x64', 'arm64'] as const).flatMap((arch) => {
  const runner = runnerOf(arch);
  if (runner === undefined) return [];
  const compiled = compileFirst(arch);
  const kept = Buffer.from(FIRST_PROGRAMS[arch], 'base64');
  return [
    { name: `kept ${arch}`, program: kept, runner },
    ...(compiled === undefined ? [] : [{ name: `compiled ${arch}`, program: compiled, runner }]),
  ];
});

/** Starts it without a sandbox: it does the same as long as nothing is left to be collected. */
async function begin(
  { program, runner }: (typeof PROGRAMS)[number],
  order: Partial<FirstOrder> = {},
  server: 'pipe' | Socket = 'pipe',
) {
  const folder = await temporaryFolder();
  const first = join(folder, 'first');
  await writeFile(first, program);
  await chmod(first, 0o755);
  const orderFile = join(folder, 'order');
  const whole = {
    cwd: '/',
    program: '/bin/sh',
    arg0: 'sh',
    args: [],
    env: new Map(),
    hasTerminal: false,
    limits: [],
    lastDescriptor: 64,
    ...order,
  };
  await writeFile(orderFile, encodeOrder(whole));
  const fd = openSync(orderFile, 'r+');
  const [command = first, ...args] = [...runner, first];
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'inherit', server, fd, 'pipe', 'pipe', 'pipe'],
  });
  closeSync(fd);
  const [, , , ownServer, , stdin, stdout] = child.stdio as unknown[];
  const socket = server === 'pipe' ? (ownServer as Duplex) : server;
  const parser = new FirstMessages();
  const messages: FirstMessage[] = [];
  const waiting: (() => void)[] = [];
  socket.on('data', (data: Buffer) => {
    messages.push(...parser.read(data));
    for (const resolve of waiting.splice(0)) resolve();
  });
  const next = async (): Promise<FirstMessage> => {
    for (;;) {
      const message = messages.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return {
    child,
    exited: once(child, 'exit'),
    socket,
    next,
    stdin: stdin as Duplex,
    stdout: stdout as Readable,
  };
}

/** A socket whose other end was closed. */
async function deadSocket(folder: string): Promise<Socket> {
  const path = join(folder, 'socket');
  const listener = createServer((peer) => peer.destroy()).listen(path);
  await once(listener, 'listening');
  const socket = connect({ path, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  await once(socket.resume(), 'end');
  listener.close();
  return socket;
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

describe('the programs of the package', () => {
  it('were made of the source that there is', () => {
    expect(FIRST_SOURCE_HASH).toBe(sourceHash());
  });

  it('need no compiler when the package is built', () => {
    const { scripts } = JSON.parse(execFileSync('cat', ['package.json'], { encoding: 'utf8' }));
    expect(JSON.stringify(scripts)).not.toContain('first-process');
  });
});

describe.each(PROGRAMS)('the first process, $name', (built) => {
  it('starts a program, and tells how it ended', async () => {
    const { exited, next, socket, stdin, stdout } = await begin(built, {
      args: ['-c', 'cat; pwd; echo "$0 $A"; exit 7', 'name'],
      cwd: '/usr',
      env: new Map([['A', 'b\u{dcff}']]),
    });
    const text = textOf(stdout);
    expect(await next()).toEqual({ kind: 'started' });
    stdin.end('in\n');
    const end = await next();
    expect(end).toMatchObject({ kind: 'ended', status: { code: 7 } });
    expect(end.kind === 'ended' && (end.usage.peakResidentBytes ?? 0)).toBeGreaterThan(100_000);
    socket.write(COLLECT);
    expect(await exited).toEqual([0, null]);
    expect(await text).toBe('in\n/usr\nname b\u{fffd}\n');
  });

  it('tells 137 from SIGKILL', async () => {
    for (const [script, status] of [
      ['exit 137', { code: 137 }],
      ['kill -9 $$', { signal: 9 }],
      ['kill -11 $$', { signal: 11 }],
    ] as const) {
      const { exited, next, socket } = await begin(built, { args: ['-c', script] });
      await next();
      expect(await next()).toMatchObject({ kind: 'ended', status });
      socket.write(COLLECT);
      await exited;
    }
  });

  it.each([
    ['cwd', 2, { cwd: '/no/such/folder' }],
    ['program', 2, { program: '/no/such/program' }],
    ['program', 13, { program: '/etc/passwd' }],
    ['terminal', 25, { hasTerminal: true }],
    ['limits', 22, { limits: [{ resource: RLIMIT_NOFILE, soft: 2n, hard: 1n }] }],
  ] as const)('tells of a failure at the %s: %i', async (stage, errno, order) => {
    const { exited, next, socket } = await begin(built, order);
    expect(await next()).toEqual({ kind: 'failed', stage, errno });
    expect(await next()).toMatchObject({ kind: 'ended', status: { code: 127 } });
    socket.write(COLLECT);
    await exited;
  });

  it('starts nothing if nobody is there to be told', async () => {
    const folder = await temporaryFolder();
    const script = `: > ${folder}/made`;
    const { exited } = await begin(built, { args: ['-c', script] }, await deadSocket(folder));
    expect(await exited).toEqual([0, null]);
    expect(existsSync(join(folder, 'made'))).toBe(false);
  });

  it('limits the program, and not itself', async () => {
    const limits = [
      { resource: RLIMIT_NOFILE, soft: 33n, hard: 44n },
      { resource: RLIMIT_CORE, soft: 0n, hard: 0n },
    ];
    const script = 'ulimit -Sn; ulimit -Hn; ulimit -Hc; grep "open files" /proc/$PPID/limits';
    const { exited, next, socket, stdout } = await begin(built, { args: ['-c', script], limits });
    const text = textOf(stdout);
    await next();
    await next();
    socket.write(COLLECT);
    await exited;
    const own = /^Max open files.*$/m.exec(await readFile('/proc/self/limits', 'latin1'))?.[0];
    expect((await text).split('\n')).toEqual(['33', '44', '0', own, '']);
  });

  it('goes on without whoever started it', async () => {
    const { exited, next, socket, stdin, stdout } = await begin(built, {
      args: ['-c', 'cat; echo end'],
    });
    await next();
    socket.destroy();
    stdin.end();
    expect(await textOf(stdout)).toBe('end\n');
    expect(await exited).toEqual([0, null]);
  });
});

describe('what is put together of what a first process says', () => {
  it('does not depend on how it is cut', () => {
    const end = Buffer.alloc(153);
    end.write('E');
    end.writeInt32LE(2, 1);
    end.writeInt32LE(11, 5);
    const all = Buffer.concat([Buffer.from('S'), end]);
    const whole = new FirstMessages().read(all);
    expect(whole.map(({ kind }) => kind)).toEqual(['started', 'ended']);
    const parser = new FirstMessages();
    expect(Array.from(all, (byte) => parser.read(Buffer.of(byte))).flat()).toEqual(whole);
  });

  it('is refused where it says nothing', () => {
    expect(() => new FirstMessages().read(Buffer.from('x'))).toThrow();
  });
});
