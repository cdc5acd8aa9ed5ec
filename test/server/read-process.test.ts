import { create } from '@bufbuild/protobuf';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CallContext } from '../../src/bridge/call-context.ts';
import type { EncodedMessage } from '../../src/bridge/encoded-message.ts';
import {
  ReadProcessRequestSchema,
  type ReadProcessResponseSchema,
} from '../../src/gen/runlet/v1/process_pb.ts';
import { ANYBODY } from '../../src/identity/principal.ts';
import { Latch } from '../../src/latch.ts';
import {
  DEFAULT_LIMITS,
  MAX_ANSWER_BYTES,
  MAX_ARGV_BYTES,
  MAX_READ_BYTES,
} from '../../src/limits.ts';
import { ProcessHost } from '../../src/process/process-host.ts';
import { processService } from '../../src/server/services/process/process-service.ts';
import { SessionRegistry } from '../../src/session/session-registry.ts';
import { ANY_START } from '../support/any-start.ts';
import { NO_AUDIT } from '../support/audit.ts';
import { TestCallContext } from '../support/call-context.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { NO_SANDBOXES } from '../support/no-sandboxes.ts';
import { memoryStore } from '../support/output.ts';
import { ScriptedLauncher } from '../support/scripted-launcher.ts';
import { settle } from '../support/settle.ts';

/** A process that prints as much as an answer may have, and a poll that asks for all of it. */
async function poll(argv: readonly string[], context: CallContext): Promise<{ bytes: Uint8Array }> {
  const limits = DEFAULT_LIMITS;
  const clock = new FakeClock();
  const launcher = new ScriptedLauncher();
  const store = memoryStore(clock);
  const host = new ProcessHost({ launcher, clock, limits, environment: new Map(), store });
  const newId = (): string => crypto.randomUUID();
  const sessions = new SessionRegistry({ host, clock, limits, newId });
  const calls = processService({
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
  onTestFinished(() => launcher.exitAll());
  const request = launcher.request();
  const retainedBytes = 2 * MAX_READ_BYTES;
  const spec = { ...request.spec, argv, retainedBytes };
  const { id: processId } = await session.processes.start({ ...request, spec });
  launcher.print(Buffer.alloc(MAX_READ_BYTES));
  const read = create(ReadProcessRequestSchema, {
    sessionId: session.id,
    processId,
    maxBytes: MAX_READ_BYTES,
    afterSeq: 1n,
    wait: { seconds: 20n },
  });
  return (await calls.readProcess(read, context)) as EncodedMessage<
    typeof ReadProcessResponseSchema
  >;
}

describe('the answer to a poll', () => {
  it('is none too large, however long the command line', async () => {
    const argv = ['/bin/true', 'x'.repeat(MAX_ARGV_BYTES - 100)];
    const { bytes } = await poll(argv, new TestCallContext());
    expect(bytes.byteLength).toBeGreaterThan(MAX_ARGV_BYTES);
    expect(bytes.byteLength).toBeLessThanOrEqual(MAX_ANSWER_BYTES);
  });

  it('is not made before there is memory for it', async () => {
    let wanted = 0;
    const asked = new Latch();
    const memory = new Latch();
    const context = Object.assign(new TestCallContext(), {
      async reserve(bytes: number): Promise<() => void> {
        wanted = bytes;
        asked.open();
        await memory.wait();
        return () => {};
      },
    });
    let answered = false;
    const answer = poll(['/bin/true'], context).finally(() => {
      answered = true;
    });
    await Promise.race([asked.wait(), answer]);
    await settle();
    expect(answered).toBe(false);
    memory.open();
    const { bytes } = await answer;
    expect(bytes.byteLength).toBeGreaterThan(MAX_READ_BYTES / 2);
    expect(bytes.byteLength).toBeLessThanOrEqual(wanted + 1_000);
  });
});
