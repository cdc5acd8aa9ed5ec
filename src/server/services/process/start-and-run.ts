import { EncodedMessage } from '../../../bridge/encoded-message.ts';
import { RunResponseSchema } from '../../../gen/runlet/v1/process_pb.ts';
import { RUN_AHEAD_BYTES } from '../../../limits.ts';
import { callerOf } from '../../caller.ts';
import { processMessage } from '../../messages.ts';
import { grantMissing } from '../../method-grants.ts';
import { parseProcessSpec } from '../../requests/process-spec.ts';
import { type ProcessMethods, type ProcessServiceOptions, startProcess } from './process-calls.ts';
import { runOnce } from './run-once.ts';

/** `StartProcess` and `Run`. */
export function startAndRun(
  options: ProcessServiceOptions,
): ProcessMethods<'startProcess' | 'run'> {
  const { cwd, limits, sandboxes } = options;
  return {
    async startProcess(request, context) {
      const { process, session } = await startProcess(options, request, context);
      return { process: processMessage(session.id, process) };
    },

    async *run(request, context) {
      // It has no session, and whoever may use one alone may not run anything beside it.
      if (callerOf(context).sessionId !== undefined) throw grantMissing('start');
      const spec = parseProcessSpec(request.spec, {
        cwd,
        limits,
        sandboxRequired: sandboxes.required,
        sandboxProfiles: sandboxes.profiles,
        overflow: 'pause',
        pauseBytes: RUN_AHEAD_BYTES,
      });
      for await (const bytes of runOnce(spec, request.stdin, context, options)) {
        yield new EncodedMessage(RunResponseSchema, bytes);
      }
    },
  };
}
