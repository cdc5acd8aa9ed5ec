import type { ServiceImpl } from '../../../bridge/types.ts';
import type { ProcessService } from '../../../gen/runlet/v1/process_pb.ts';
import { getAndWait } from './get-and-wait.ts';
import { interactive } from './interact.ts';
import type { ProcessServiceOptions } from './process-calls.ts';
import { signalAndTerminate } from './signal-and-terminate.ts';
import { startAndRun } from './start-and-run.ts';
import { watchAndRead } from './watch-and-read.ts';
import { writeStdin } from './write-stdin.ts';

/** `ProcessService`: translates requests to calls of the core, and nothing more. */
export function processService(options: ProcessServiceOptions): ServiceImpl<typeof ProcessService> {
  return {
    ...startAndRun(options),
    ...getAndWait(options),
    ...watchAndRead(options),
    ...writeStdin(options),
    ...signalAndTerminate(options),
    ...interactive(options),
  };
}
