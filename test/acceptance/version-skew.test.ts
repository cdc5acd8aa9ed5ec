import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createFileRegistry, type DescService, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient } from '../../src/bridge/create-client.ts';
import { openConnection } from '../../src/client/connection.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';

/** The protos of the first version, as descriptors. */
const FIRST_VERSION = fileURLToPath(new URL('../fixtures/runlet-v0.1.0.binpb', import.meta.url));

type Message = Readonly<Record<string, unknown>>;

/** A client of which nothing is known but its descriptors. */
type DynamicClient = Readonly<Record<string, (request: unknown) => unknown>>;

/** Clients as they were generated from the protos of the first version. */
async function connectOld() {
  const harness = await startHarness();
  const registry = createFileRegistry(
    fromBinary(FileDescriptorSetSchema, readFileSync(FIRST_VERSION)),
  );
  const connection = openConnection(harness.address);
  onTestFinished(() => connection.close());
  const clientOf = (name: string): DynamicClient => {
    const service = registry.getService(`runlet.v1.${name}`);
    if (service === undefined) throw new Error(`the first version has no ${name}`);
    return createClient<DescService>(service, connection) as unknown as DynamicClient;
  };
  const call =
    (name: string) =>
    async (method: string, request: Message): Promise<Message> =>
      (await clientOf(name)[method]?.(request)) as Message;
  const stream =
    (name: string) =>
    (method: string, request: Message): AsyncIterable<Message> =>
      clientOf(name)[method]?.(request) as AsyncIterable<Message>;
  return {
    harness,
    sessions: call('SessionService'),
    attach: stream('SessionService'),
    processes: call('ProcessService'),
    watch: stream('ProcessService'),
    server: call('ServerService'),
  };
}

describe('a client of the first version', () => {
  it('does not know what came later, which is what this tests', async () => {
    const registry = createFileRegistry(
      fromBinary(FileDescriptorSetSchema, readFileSync(FIRST_VERSION)),
    );
    const fields = registry.getMessage('runlet.v1.AttachSessionRequest')?.fields;
    expect(fields?.map(({ name }) => name)).toEqual(['session_id', 'mode']);
  });

  it('creates a session, attaches, starts, writes, watches and resumes', async () => {
    const { attach, processes, sessions, watch } = await connectOld();
    const { session } = await sessions('createSession', {});
    const { sessionId } = session as { sessionId: string };
    const events = attach('attachSession', { sessionId })[Symbol.asyncIterator]();
    const first = (await events.next()).value as { event: { event: { case: string } } };
    expect(first.event.event.case).toBe('attached');
    const target = { sessionId, processId: 'cat' };
    const spec = { argv: ['cat'], env: { PATH }, stdin: 2 };
    await processes('startProcess', { ...target, requestId: 'r', spec });
    await processes('startProcess', { ...target, requestId: 'r', spec });
    await processes('writeStdin', { ...target, offset: 0n, data: Buffer.from('old'), eof: true });
    const cases: string[] = [];
    for await (const { events: batch } of watch('watchProcess', target)) {
      for (const { event } of batch as { event: { case: string } }[]) cases.push(event.case);
    }
    expect(cases[0]).toBe('started');
    expect(cases.slice(-2)).toEqual(['exited', 'closed']);
    const rest: string[] = [];
    for await (const { events: batch } of watch('watchProcess', { ...target, afterSeq: 2n })) {
      for (const { event } of batch as { event: { case: string } }[]) rest.push(event.case);
    }
    expect(rest).toEqual(cases.slice(2));
    const { process } = await processes('waitProcess', target);
    expect(process).toMatchObject({ state: 3, status: { status: { case: 'code', value: 0 } } });
    await sessions('closeSession', { sessionId });
    await events.return?.();
  });

  it('takes over from one of today, and is taken over from by it', async () => {
    const { attach, harness } = await connectOld();
    const { sessionId } = harness;
    const holder = { holderId: '0d5a3c7e-8f5b-4a57-9a52-6a3c4b1f2e01', attempt: 1n };
    const today = harness.sessions.attachSession({ sessionId, ...holder })[Symbol.asyncIterator]();
    await today.next();
    const old = attach('attachSession', { sessionId })[Symbol.asyncIterator]();
    await old.next();
    const superseded = 'ABORTED/ATTACHMENT_SUPERSEDED';
    expect((await failureOf(today.next())).summary).toBe(superseded);
    const again = harness.sessions.attachSession({ sessionId })[Symbol.asyncIterator]();
    await again.next();
    expect((await failureOf(old.next())).summary).toBe(superseded);
  });

  it('runs a command, asks for the server, and reads errors', async () => {
    const { processes, server, watch } = await connectOld();
    let output = '';
    for await (const { events } of watch('run', {
      spec: { argv: ['echo', 'hi'], env: { PATH } },
    })) {
      for (const { event } of events as { event: { case: string; value: { data: Buffer } } }[]) {
        if (event.case === 'output') output += Buffer.from(event.value.data).toString();
      }
    }
    expect(output).toBe('hi\n');
    expect(await server('getServerInfo', {})).toMatchObject({ version: expect.any(String) });
    const sessionId = '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52';
    const failure = await failureOf(processes('getProcess', { sessionId, processId: 'p' }));
    expect(failure.summary).toBe('NOT_FOUND/SESSION_NOT_FOUND');
  });
});
