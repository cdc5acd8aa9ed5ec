import { parseOffset } from '../../requests/fields.ts';
import { findProcess, type ProcessMethods, type ProcessServiceOptions } from './process-calls.ts';
import { streamStdin } from './stream-stdin.ts';

/** `WriteStdin` and `StreamStdin`. */
export function writeStdin(
  options: ProcessServiceOptions,
): ProcessMethods<'writeStdin' | 'streamStdin'> {
  return {
    async writeStdin(request, context) {
      const { data, eof } = request;
      const offset = parseOffset('offset', request.offset);
      const { process } = findProcess(options, request, context);
      const accepted = await process.writeStdin({ offset, data, eof }, context.signal);
      return { acceptedOffset: BigInt(accepted) };
    },

    streamStdin(requests, context) {
      return streamStdin(
        requests,
        context,
        (first) => findProcess(options, first, context).process,
      );
    },
  };
}
