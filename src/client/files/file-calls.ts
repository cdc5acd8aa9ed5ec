import type { CallTarget } from '../call-attempts.ts';
import type { SandboxInit } from '../sandbox.ts';
import { assertKnowsSandboxes } from '../sandbox-support.ts';
import type { SessionCalls } from '../session-calls.ts';

/** Makes calls about files: those of a session, or within a sandbox. */
export type FileCalls = Pick<
  SessionCalls,
  'call' | 'stream' | 'messages' | 'within' | 'pause' | 'link'
>;

/**
 * Calls of a session within a sandbox, which is among what every request carries. None is made to
 * a server that would leave it out.
 */
export function callsWithin(calls: FileCalls, sandbox: SandboxInit): FileCalls {
  const confined = async (target: CallTarget): Promise<CallTarget> => {
    await assertKnowsSandboxes(target);
    return { ...target, ids: { ...target.ids, sandbox } };
  };
  return {
    link: calls.link,
    call: (policy, make) =>
      calls.call(policy, async (target, cameOn) => make(await confined(target), cameOn)),
    stream: (signal, open) =>
      calls.stream(signal, async function* (target) {
        yield* open(await confined(target));
      }),
    messages: (responses) => calls.messages(responses),
    within: (promise, ms) => calls.within(promise, ms),
    pause: (ms, signal) => calls.pause(ms, signal),
  };
}
