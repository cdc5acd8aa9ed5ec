import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  ReadProcessRequestSchema,
  StreamStdinRequestSchema,
  WatchProcessRequestSchema,
} from '../../src/gen/runlet/v1/process_pb.ts';
import { AttachSessionRequestSchema } from '../../src/gen/runlet/v1/session_pb.ts';
import { ANYBODY } from '../../src/identity/principal.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { ProcessHost } from '../../src/process/process-host.ts';
import { processService } from '../../src/server/services/process/process-service.ts';
import { sessionService } from '../../src/server/services/session-service.ts';
import { SessionRegistry } from '../../src/session/session-registry.ts';
import { ANY_START } from '../support/any-start.ts';
import { NO_AUDIT } from '../support/audit.ts';
import { TestCallContext } from '../support/call-context.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { NO_SANDBOXES } from '../support/no-sandboxes.ts';
import { memoryStore } from '../support/output.ts';
import { ScriptedLauncher } from '../support/scripted-launcher.ts';

const wait = { seconds: 20n, nanos: 0 };
const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the handlers of calls for an attachment', () => {
  it('have failed before the call that takes over goes on: in the same turn', async () => {
    const limits = DEFAULT_LIMITS;
    const clock = new FakeClock();
    const launcher = new ScriptedLauncher();
    const host = new ProcessHost({
      launcher,
      clock,
      limits,
      environment: new Map(),
      store: memoryStore(clock),
    });
    const newId = (): string => crypto.randomUUID();
    const sessions = new SessionRegistry({ host, clock, limits, newId });
    const sessionCalls = sessionService({ sessions, clock, limits, audit: NO_AUDIT });
    const processCalls = processService({
      sessions,
      host,
      clock,
      limits,
      cwd: '/',
      newId,
      guardOf: () => ANY_START,
      sandboxes: NO_SANDBOXES,
      audit: NO_AUDIT,
    });
    const session = sessions.create({
      id: undefined,
      labels: new Map(),
      detachedTtlMs: 1_000,
      owner: ANYBODY.name,
    });
    const request = launcher.request();
    const { id: processId } = await session.processes.start({
      ...request,
      spec: { ...request.spec, stdin: 'pipe' },
    });
    const attachment = create(AttachSessionRequestSchema, { sessionId: session.id });

    const attach = new TestCallContext();
    const stream = sessionCalls.attachSession(attachment, attach)[Symbol.asyncIterator]();
    const first = (await stream.next()).value as { event: { event: { value: unknown } } };
    const { attachmentId } = first.event.event.value as { attachmentId: string };
    const next = stream.next();
    const target = { sessionId: session.id, processId, attachmentId };

    const poll = new TestCallContext();
    const read = create(ReadProcessRequestSchema, { ...target, afterSeq: 1n, wait });
    const polled = processCalls.readProcess(read, poll);
    const watch = new TestCallContext();
    const watched = processCalls
      .watchProcess(create(WatchProcessRequestSchema, { ...target, afterSeq: 1n }), watch)
      [Symbol.asyncIterator]()
      .next();
    const stdin = new TestCallContext();
    async function* requests() {
      yield create(StreamStdinRequestSchema, target);
      await new Promise<never>(() => {});
    }
    void Promise.resolve(processCalls.streamStdin(requests(), stdin)).catch(() => {});
    await quiet();
    const calls = [attach, poll, watch, stdin];
    expect(calls.map(({ reason }) => reason)).toEqual(Array(4).fill(undefined));

    const second = sessionCalls.attachSession(attachment, new TestCallContext());
    const taken = second[Symbol.asyncIterator]().next();
    // Nothing was awaited: no other turn has begun.
    expect(calls.map(({ reason }) => reason)).toEqual(Array(4).fill('ATTACHMENT_SUPERSEDED'));
    await taken;
    // They have given up, too, and left nothing behind.
    expect((await next).done).toBe(true);
    expect((await watched).done).toBe(true);
    await polled;
  });
});
