import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RemoteError, SessionLostError } from '../../src/client/index.ts';
import { McpMessageError, McpTransportError } from '../../src/mcp/index.ts';
import { connectTo, errorOf, QUICK } from '../support/client.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';
import { makeRig, type Rig, startRig } from '../support/mcp.ts';
import { release } from '../support/shell.ts';
import { MIB, spoolFiles } from '../support/spooling.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { waitForFile } from '../support/wait-for-file.ts';

/** What a transport ended of. */
function endOf({ errors }: Rig): McpTransportError {
  const error = errors.at(-1);
  if (!(error instanceof McpTransportError)) throw new Error('it ended of nothing');
  return error;
}

describe('messages of an MCP server', () => {
  it('come to and fro, one for each line', async () => {
    const rig = await startRig();
    await Promise.all([rig.ask('echo', { n: 1 }, 'a'), rig.ask('echo', { n: 2 }, 'b')]);
    expect(await rig.result('a')).toEqual({ n: 1 });
    expect(await rig.result('b')).toEqual({ n: 2 });
    expect(rig.calls).toEqual(['message', 'message']);
  });

  it('may be cut in the middle of a character', async () => {
    const rig = await startRig();
    const text = '→ ünï 🎈';
    await rig.ask('halves', { text });
    await rig.until(() => rig.stderr() === 'half');
    expect(rig.messages).toEqual([]);
    await rig.ask('proceed');
    expect(await rig.result('halves')).toEqual({ text });
  });

  it('may have lines between them that are none, which are reported', async () => {
    const rig = await startRig();
    await rig.ask('garbage');
    expect(await rig.result('garbage')).toEqual({});
    expect(rig.calls).toEqual(['error', 'error', 'error', 'message']);
    expect(rig.errors[0]).toBeInstanceOf(McpMessageError);
    expect(rig.errors[0]).toMatchObject({ line: 'listening on nothing' });
    await rig.ask('echo');
    await rig.result('echo');
  });

  it('are large where they need to be, both ways', async () => {
    const rig = await startRig();
    const text = 'é'.repeat(3_000_000);
    await rig.ask('echo', { text });
    expect(await rig.result('echo')).toEqual({ text });
  });

  it('are all there, though they come faster than they are read and little is retained', async () => {
    const harness = await startHarness();
    const session = await connectTo(harness.address).session();
    const rig = makeRig({ session, retainedBytes: 4096 });
    await rig.transport.start();
    await release(harness, 'begin');
    const [begin, done] = ['begin', 'done'].map((name) => join(harness.folder, name));
    await rig.ask('flood', { lines: 3000, begin, done });
    await rig.result('flood-2999');
    expect(rig.messages.map((message) => 'id' in message && message.id)).toEqual(
      Array.from({ length: 3000 }, (_, i) => `flood-${i}`),
    );
    expect(rig.errors).toEqual([]);
  });

  it('come before the end of the server that wrote them', async () => {
    const rig = await startRig();
    await rig.askLast('exit', { code: 3 });
    await rig.closed();
    expect(rig.calls).toEqual(['message', 'error', 'close']);
    expect(await rig.result('exit')).toEqual({ text: 'the last one' });
  });

  it('do not end it where their receiver throws', async () => {
    const rig = await startRig();
    const { onmessage } = rig.transport;
    rig.transport.onmessage = () => {
      rig.transport.onmessage = onmessage;
      throw new Error('not now');
    };
    await rig.ask('echo', {}, 'first');
    await rig.ask('echo', {}, 'second');
    await rig.result('second');
    expect(rig.errors.map(({ message }) => message)).toEqual(['not now']);
  });
});

describe('the environment of an MCP server', () => {
  it('has the core variables of the runlet server, those that were named, and its own', async () => {
    const environment = new Map(Object.entries({ PATH: '/bin', MY_KEY: 'k', EDITOR: 'ed' }));
    const { address } = await startHarness({ environment });
    const session = await connectTo(address).session();
    const rig = makeRig({ session, inherit: ['MY_KEY'], env: { OWN: 'o' } });
    await rig.transport.start();
    await rig.ask('environment');
    expect(await rig.result('environment')).toEqual({ PATH: '/bin', MY_KEY: 'k', OWN: 'o' });
  });
});

describe('a transport ends', () => {
  it('when its server exits, and says how', async () => {
    const rig = await startRig();
    await rig.askLast('exit', { code: 3 });
    await rig.closed();
    expect(endOf(rig)).toMatchObject({
      reason: 'exited',
      exit: { code: 3, signal: null },
      message: 'the server process exited with the code 3',
    });
    expect(await errorOf(rig.ask('echo'))).toBe(endOf(rig));
  });

  it('when its server is killed', async () => {
    const rig = await startRig();
    await rig.transport.process?.kill('SIGKILL');
    await rig.closed();
    expect(endOf(rig)).toMatchObject({ reason: 'exited', exit: { signal: 'SIGKILL' } });
  });

  it('when its server is killed while it reads no more, and what is being sent with it', async () => {
    const rig = await startRig();
    const { process } = rig.transport;
    await process?.kill('SIGSTOP');
    const sending = errorOf(rig.ask('echo', { text: 'x'.repeat(30_000_000) }));
    await process?.kill('SIGKILL');
    expect(await sending).toBe(endOf(rig));
    expect(endOf(rig).reason).toBe('exited');
  });

  it('when its server exits, though a child of it holds its stdout', async () => {
    const rig = await startRig();
    const { process } = rig.transport;
    await rig.askLast('heir');
    await rig.closed();
    expect(endOf(rig)).toMatchObject({ reason: 'exited', exit: { code: 0 } });
    // The child was ended, and its output not merely read no further.
    expect(await process?.closed).toMatchObject({ outputComplete: true });
  });

  it('when a line is too long, and its server with it', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const rig = makeRig({ session, maxLineBytes: 1_000_000 });
    await rig.transport.start();
    await rig.askLast('endless');
    await rig.closed();
    expect(rig.calls).toEqual(['message', 'error', 'close']);
    expect(endOf(rig).reason).toBe('line-too-long');
    await rig.transport.close();
    expect((await session.processes()).map(({ state }) => state)).toEqual(['closed']);
  });

  it('when its server reads no more', async () => {
    const rig = await startRig({ graceMs: 50 });
    await rig.ask('deaf');
    await rig.result('deaf');
    const error = await errorOf(rig.ask('echo'));
    expect(error).toBe(endOf(rig));
    expect(endOf(rig).reason).toBe('stdin-closed');
    expect(endOf(rig).cause).toBeInstanceOf(RemoteError);
  });

  it('when its server reads no more and exits, though a child of it holds its stdout', async () => {
    const harness = await startHarness();
    const session = await connectTo(harness.address).session();
    const rig = makeRig({ session, graceMs: 10_000 });
    await rig.transport.start();
    await rig.ask('deaf-heir', { begin: join(harness.folder, 'begin') });
    await rig.result('deaf-heir');
    const sending = errorOf(rig.ask('echo'));
    await release(harness, 'begin');
    expect(await sending).toBe(endOf(rig));
    expect(endOf(rig)).toMatchObject({ reason: 'exited', exit: { code: 0 } });
  });

  it('when its session is lost, and what is being sent with it', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const rig = makeRig({ session });
    await rig.transport.start();
    await rig.ask('echo');
    await rig.transport.process?.kill('SIGSTOP');
    // More than a pipe and the queues on the way to it hold.
    const sending = errorOf(rig.ask('echo', { text: 'x'.repeat(30_000_000) }));
    const other = await connectTo(address).session({ id: session.id });
    await rig.closed();
    expect(endOf(rig).reason).toBe('session-lost');
    expect(endOf(rig).cause).toBeInstanceOf(SessionLostError);
    expect(endOf(rig).cause).toMatchObject({ reason: 'superseded' });
    expect(await sending).toBe(endOf(rig));
    // It is the other's now.
    const [process] = await other.processes();
    expect(process?.state).toBe('running');
    await (await other.process(process?.id ?? '')).kill('SIGKILL');
  });

  it('when messages are missing, which the server could not read again', async () => {
    const stateFolder = join(await temporaryFolder(), 'state');
    const limits = { outputMemoryBytes: MIB };
    const harness = await startHarness({ stateFolder, limits });
    const proxy = await startProxy(harness.address);
    const session = await connectTo(proxy.address, QUICK).session();
    const rig = makeRig({ session, retainedBytes: 16 * MIB });
    await rig.transport.start();
    const begin = join(harness.folder, 'begin');
    const done = join(harness.folder, 'done');
    await rig.ask('flood', { lines: 6_000, begin, done });
    await rig.ask('echo');
    await rig.result('echo');
    proxy.freeze();
    await release(harness, 'begin');
    await waitForFile(done);
    // Most of it is in files by now: memory has no room for it.
    const files = await spoolFiles(stateFolder);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) await truncate(file);
    proxy.cut();
    await rig.closed();
    expect(endOf(rig).reason).toBe('gap');
    expect(rig.calls).toEqual(['message', 'error', 'close']);
  });
});
