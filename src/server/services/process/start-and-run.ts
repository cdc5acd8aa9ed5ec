import { EncodedMessage } from '../../../bridge/encoded-message.ts';
import { RunResponseSchema } from '../../../gen/runlet/v1/process_pb.ts';
import { RUN_AHEAD_BYTES } from '../../../limits.ts';
import { processMessage } from '../../messages.ts';
import { parseProcessSpec } from '../../requests/process-spec.ts';
import { type ProcessMethods, type ProcessServiceOptions, startProcess } from './process-calls.ts';
import { runOnce } from './run-once.ts';

/** `StartProcess` and `Run`. */
export function startAndRun(
  options: ProcessServiceOptions,
): ProcessMethods<'startProcess' | 'run'> {
  const { cwd, limits } = options;
  return {
    async startProcess(request, context) {
      const { process, session } = await startProcess(options, request, context);
      return { process: processMessage(session.id, process) };
    },

    async *run(request, context) {
      const spec = parseProcessSpec(request.spec, {
        cwd,
        limits,
        overflow: 'pause',
        pauseBytes: RUN_AHEAD_BYTES,
      });
      for await (const bytes of runOnce(spec, request.stdin, context, options)) {
        yield new EncodedMessage(RunResponseSchema, bytes);
      }
    },
  };
}
