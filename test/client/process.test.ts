import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  OutputLostError,
  type OutputReadable,
  type ProcessEvent,
  RemoteError,
} from '../../src/client/index.ts';
import { connectTo, errorOf } from '../support/client.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';
import { HeldLauncher } from '../support/held-launcher.ts';
import { awaitRelease, PATH, release } from '../support/shell.ts';

const env = { PATH };
const shell = (script: string): string[] => ['/bin/sh', '-c', script];

describe('a remote process', () => {
  it('gives what it writes to each stream, its end and its closure', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const process = await session.start({ argv: shell('printf out; printf err >&2; exit 3'), env });
    const [stdout, stderr] = await Promise.all([text(process.stdout), text(process.stderr)]);
    expect([stdout, stderr]).toEqual(['out', 'err']);
    expect(await process.exited).toMatchObject({ code: 3, signal: null, reason: 'exited' });
    expect(await process.closed).toMatchObject({
      code: 3,
      totals: { stdout: 3, stderr: 3 },
      outputComplete: true,
    });
    expect(process.gaps).toEqual([]);
  });

  it('has the streams that its spec says, for the compiler too', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const piped = await session.start({ argv: shell('cat'), env, stdin: 'pipe' });
    expectTypeOf(piped.stdin).toEqualTypeOf<Writable>();
    expectTypeOf(piped.stdout).toEqualTypeOf<OutputReadable>();
    expectTypeOf(piped.terminal).toEqualTypeOf<null>();
    piped.stdin.end('to and fro');
    expect(await text(piped.stdout)).toBe('to and fro');
    const closed = await session.start({ argv: shell('cat'), env });
    expectTypeOf(closed.stdin).toEqualTypeOf<null>();
    expect(closed.stdin).toBeNull();
    expect(await closed.closed).toMatchObject({ code: 0 });
  });

  it('gives its output whenever the reading begins, and to every reader', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const process = await session.start({ argv: shell('printf out; printf err >&2'), env });
    await process.closed;
    expect(await text(process.stdout)).toBe('out');
    expect(await text(process.stderr)).toBe('err');
    const kinds: string[] = [];
    for await (const event of process.events()) kinds.push(event.kind);
    expect(kinds).toEqual(['started', 'output', 'output', 'exited', 'closed']);
  });

  it('fails the reading of what was dropped before it, and is held up instead if asked', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const argv = ['/usr/bin/head', '-c', '3000000', '/dev/zero'];
    const dropping = await session.start({ argv, retainedBytes: 1_000_000 });
    expect(await dropping.closed).toMatchObject({ totals: { stdout: 3_000_000 } });
    const error = await errorOf(text(dropping.stdout));
    expect(error).toBeInstanceOf(OutputLostError);
    expect(error).toMatchObject({ code: 'OUTPUT_LOST', range: { stream: 'stdout', offset: 0 } });
    const pausing = await session.start({ argv, retainedBytes: 1_000_000, overflow: 'pause' });
    // What it wrote first is there, and it waits with the rest.
    const { value } = await pausing.events({ after: 1 }).next();
    expect(value).toMatchObject({ kind: 'output', offset: 0 });
    expect((await text(pausing.stdout)).length).toBe(3_000_000);
  });

  it('gives its events with their numbers, after any of them', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const process = await session.start({ argv: shell('printf 1; sleep 0.05; printf 2'), env });
    const all: ProcessEvent[] = [];
    for await (const event of process.events()) all.push(event);
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, i) => i + 1));
    const rest: ProcessEvent[] = [];
    for await (const event of process.events({ after: 2 })) rest.push(event);
    expect(rest).toEqual(all.slice(2));
  });

  it('is told what has come of it where it waits for that, long before its end', async () => {
    const harness = await startHarness();
    const session = await connectTo(harness.address).session();
    const process = await session.start({
      argv: shell('echo here; exec cat'),
      env,
      stdin: 'pipe',
      overflow: 'pause',
    });
    await process.stdout[Symbol.asyncIterator]().next();
    await expect.poll(() => harness.log.join('')).toContain('/AcknowledgeOutput');
    expect((await process.info()).state).toBe('running');
  });

  it('has exited before its output ends, where a child holds it', async () => {
    const harness = await startHarness();
    const session = await connectTo(harness.address).session();
    const argv = shell(`(${awaitRelease('go')}; printf late) & exit 7`);
    const process = await session.start({ argv, env });
    expect(await process.exited).toMatchObject({ code: 7 });
    await release(harness, 'go');
    expect(await text(process.stdout)).toBe('late');
    expect(await process.closed).toMatchObject({ code: 7, outputComplete: true });
  });

  it('that cannot be started says where that failed', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const error = await errorOf(session.start({ argv: ['/no/such/program'] }));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({
      reason: 'START_FAILED',
      status: 'FAILED_PRECONDITION',
      startFailure: { stage: 'PROGRAM', errnoName: 'ENOENT' },
    });
  });

  it('is ended by signals, by terminate, and by an AbortSignal', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const sleep = { argv: shell('exec sleep 1000'), env };
    const killed = await session.start(sleep);
    await killed.kill('SIGINT');
    expect(await killed.exited).toMatchObject({ code: null, signal: 'SIGINT', reason: 'signaled' });
    const terminated = await session.start(sleep);
    expect(await terminated.terminate()).toBe(true);
    expect(await terminated.exited).toMatchObject({ signal: 'SIGTERM', reason: 'terminated' });
    const controller = new AbortController();
    const aborted = await session.start(sleep, { signal: controller.signal });
    controller.abort();
    expect(await aborted.closed).toMatchObject({ reason: 'terminated' });
  });

  it('whose start is given up while it is launched is ended once it is there', async () => {
    const launcher = new HeldLauncher();
    const { address } = await startHarness({ launcher });
    const session = await connectTo(address).session();
    const controller = new AbortController();
    const { signal } = controller;
    const starting = session.start({ argv: shell('exec sleep 1000'), env }, { signal });
    await launcher.asked.wait();
    controller.abort(new Error('enough'));
    expect((await errorOf(starting)).message).toBe('enough');
    expect(await session.processes()).toEqual([]);
    launcher.gate.open();
    const reasons = async (): Promise<unknown> =>
      (await session.processes()).map(({ exit }) => exit?.reason);
    await expect.poll(reasons).toEqual(['terminated']);
  });

  it('of another is not ended by a start that was to have its id and is given up', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const first = await session.start({ argv: shell('cat'), env, stdin: 'pipe' }, { id: 'one' });
    const signal = AbortSignal.abort(new Error('enough'));
    const second = session.start({ argv: ['true'] }, { id: 'one', signal });
    expect((await errorOf(second)).message).toBe('enough');
    first.stdin.end('alive');
    expect(await text(first.stdout)).toBe('alive');
    expect(await first.closed).toMatchObject({ code: 0, reason: 'exited' });
  });

  it('tells its end, though another start with its id was refused meanwhile', async () => {
    const launcher = new HeldLauncher();
    const { address } = await startHarness({ launcher });
    const session = await connectTo(address).session();
    const first = session.start({ argv: shell('exit 4'), env }, { id: 'one' });
    await launcher.asked.wait();
    const second = session.start({ argv: ['true'], env }, { id: 'one' });
    expect(await errorOf(second)).toMatchObject({ reason: 'PROCESS_EXISTS' });
    launcher.gate.open();
    expect(await (await first).closed).toMatchObject({ code: 4 });
  });

  it('that has exited is ended by an AbortSignal with what it left behind', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const controller = new AbortController();
    const { signal } = controller;
    const process = await session.start({ argv: shell('sleep 1000 & exit 0'), env }, { signal });
    expect(await process.exited).toMatchObject({ code: 0 });
    controller.abort();
    expect(await process.closed).toMatchObject({ code: 0, outputComplete: true });
  });

  it('of this session can be found again by its id', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const first = await session.start({ argv: shell('cat'), env, stdin: 'pipe' }, { id: 'cat' });
    await new Promise<void>((resolve) => first.stdin.write('one ', () => resolve()));
    const again = await session.process('cat');
    again.stdin?.end('two');
    expect(await text(first.stdout)).toBe('one two');
    expect((await session.processes()).map(({ id }) => id)).toEqual(['cat']);
    expect((await errorOf(session.process('none'))) as RemoteError).toMatchObject({
      reason: 'PROCESS_NOT_FOUND',
    });
  });

  it('says that somebody else wrote to its stdin, where that made a write a repetition', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const mine = await session.start({ argv: shell('cat'), env, stdin: 'pipe' });
    const other = await connectTo(address).session({ id: session.id, ifAttached: 'share' });
    const theirs = (await other.process(mine.id)).stdin;
    await new Promise<void>((resolve) => theirs?.write('theirs', () => resolve()));
    const failure = new Promise((resolve) => mine.stdin.write('mine', resolve));
    expect(await failure).toMatchObject({ name: 'StdinConflictError' });
    const output = mine.stdout[Symbol.asyncIterator]();
    expect(String((await output.next()).value)).toBe('theirs');
    await mine.terminate({ graceMs: 0 });
    expect((await output.next()).done).toBe(true);
  });

  it('is ended where it is disposed of, and that it is gone by then is no error', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const process = await session.start({ argv: ['/bin/sleep', '1000'], retentionMs: 0 });
    await process[Symbol.asyncDispose]();
    expect(await process.closed).toMatchObject({ reason: 'terminated' });
    await process[Symbol.asyncDispose]();
    session.detach();
    await process[Symbol.asyncDispose]();
  });

  it('with a terminal has its size, and takes another', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const process = await session.start({
      argv: shell('stty size; read line; stty size'),
      env,
      terminal: { columns: 100, rows: 30 },
    });
    expectTypeOf(process.terminal).toEqualTypeOf<OutputReadable>();
    const first = await process.terminal[Symbol.asyncIterator]().next();
    expect(String(first.value)).toContain('30 100');
    expect(process.stdout).toBeNull();
  });
});

describe('a command that is run to its end', () => {
  it('gives its output, its status and what it used', async () => {
    const { address } = await startHarness();
    const client = connectTo(address);
    const result = await client.run(shell('cat; echo err >&2; exit 5'), { env, input: 'in' });
    expect(result).toMatchObject({ code: 5, reason: 'exited', outputComplete: true, gaps: [] });
    expect(result.stdout.toString()).toBe('in');
    expect(result.stderr.toString()).toBe('err\n');
    expect(result.usage.wallMs).toBeGreaterThan(0);
  });

  it('is terminated when its signal aborts, and rejects with the reason', async () => {
    const { address, folder } = await startHarness();
    const client = connectTo(address);
    const controller = new AbortController();
    const running = client.run(shell('touch running; exec sleep 1000'), {
      env,
      signal: controller.signal,
    });
    await expect.poll(() => existsSync(join(folder, 'running'))).toBe(true);
    controller.abort(new Error('enough'));
    expect((await errorOf(running)).message).toBe('enough');
  });

  it('is terminated when its input fails, which it would wait for', async () => {
    const { address } = await startHarness();
    async function* broken(): AsyncGenerator<string> {
      yield 'some of it';
      throw new Error('no more of it');
    }
    const running = connectTo(address).run(shell('cat'), { env, input: Readable.from(broken()) });
    expect((await errorOf(running)).message).toBe('no more of it');
  });

  it('is terminated when its input has failed before it ran', async () => {
    const { address } = await startHarness();
    const input = new Readable({ construct: (done) => done(new Error('no such file')) });
    const running = connectTo(address).run(shell('cat'), { env, input });
    expect((await errorOf(running)).message).toBe('no such file');
  });

  it('is given up when its signal aborts while there is no server', async () => {
    const path = join(await temporaryFolder(), 'nobody');
    const controller = new AbortController();
    const { signal } = controller;
    // Closing the client waits for as long as it tries to connect.
    const client = connectTo({ kind: 'unix', path }, { connectTimeoutMs: 100 });
    const running = client.run(['true'], { signal });
    controller.abort(new Error('enough'));
    expect((await errorOf(running)).message).toBe('enough');
  });

  it('need not read its input', async () => {
    const { address } = await startHarness();
    const input = Buffer.alloc(3_000_000);
    const result = await connectTo(address).run(shell('echo done'), { env, input });
    expect(result).toMatchObject({ code: 0, stdout: Buffer.from('done\n') });
  });

  it('is terminated when it writes more than it may', async () => {
    const { address } = await startHarness();
    const running = connectTo(address).run(shell('yes'), { env, maxOutputBytes: 1_000_000 });
    expect((await errorOf(running)).name).toBe('RunOutputError');
  });
});
