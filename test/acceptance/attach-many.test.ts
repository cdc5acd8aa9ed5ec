import { describe, expect, it } from 'vitest';
import { StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { attach } from '../support/attach.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, startHarness } from '../support/harness.ts';
import { startShell } from '../support/shell.ts';

describe('two attachers at once', () => {
  it('leave one that is attached, a thousand times', async () => {
    const harness = await startHarness();
    const { sessionId } = harness;
    const other = connectClients(harness.address);
    const stdin = StdinMode.PIPE;
    const target = await startShell(harness, 'cat', { stdin });
    for (let i = 0; i < 1_000; i++) {
      const both = await Promise.all([attach(harness, sessionId), attach(other, sessionId)]);
      // Whichever came first is fenced; its calls fail, and the other's do not.
      const outcomes = await Promise.all(
        both.map(({ attachmentId }) =>
          harness.processes.getProcess({ ...target, attachmentId }).then(
            () => 'live',
            async (error: unknown) => (await failureOf(Promise.reject(error))).summary,
          ),
        ),
      );
      expect([...outcomes].sort()).toEqual(['ABORTED/ATTACHMENT_SUPERSEDED', 'live']);
      const live = both[outcomes.indexOf('live')];
      const fenced = both[1 - outcomes.indexOf('live')];
      expect((await failureOf(fenced?.toEnd() ?? Promise.resolve())).summary).toBe(
        'ABORTED/ATTACHMENT_SUPERSEDED',
      );
      await live?.detach();
    }
  });
});
