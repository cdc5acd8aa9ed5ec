import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import type { EncodedMessage } from '../../src/bridge/encoded-message.ts';
import {
  ReadProcessRequestSchema,
  type ReadProcessResponseSchema,
} from '../../src/gen/runlet/v1/process_pb.ts';
import {
  DEFAULT_LIMITS,
  MAX_ANSWER_BYTES,
  MAX_ARGV_BYTES,
  MAX_READ_BYTES,
} from '../../src/limits.ts';
import { ProcessHost } from '../../src/process/process-host.ts';
import { processService } from '../../src/server/services/process/process-service.ts';
import { SessionRegistry } from '../../src/session/session-registry.ts';
import { TestCallContext } from '../support/call-context.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { memoryStore } from '../support/output.ts';
import { ScriptedLauncher } from '../support/scripted-launcher.ts';

it('the answer to a poll is none too large, however long the command line', async () => {
  const limits = DEFAULT_LIMITS;
  const clock = new FakeClock();
  const launcher = new ScriptedLauncher();
  const store = memoryStore(clock);
  const host = new ProcessHost({ launcher, clock, limits, environment: new Map(), store });
  const newId = (): string => crypto.randomUUID();
  const sessions = new SessionRegistry({ host, clock, limits, newId });
  const calls = processService({ sessions, host, clock, limits, cwd: '/', newId });
  const session = sessions.create({ id: undefined, labels: new Map(), detachedTtlMs: 1_000 });
  const request = launcher.request();
  const argv = ['/bin/true', 'x'.repeat(MAX_ARGV_BYTES - 100)];
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
  const answer = (await calls.readProcess(read, new TestCallContext())) as EncodedMessage<
    typeof ReadProcessResponseSchema
  >;
  expect(answer.bytes.byteLength).toBeGreaterThan(MAX_ARGV_BYTES);
  expect(answer.bytes.byteLength).toBeLessThanOrEqual(MAX_ANSWER_BYTES);
  launcher.exitAll();
});
