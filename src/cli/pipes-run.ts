import { StdinMode } from '../gen/runlet/v1/process_pb.ts';
import { followProcess, type RunProcess } from './run-process.ts';
import { readStandardInput, type StdinChunk } from './standard-input.ts';

/** Runs a process with a pipe for each of our standard streams. */
export const runOnPipes: RunProcess = async (processes, target, spec, onStarted) => {
  await processes.startProcess({ ...target, spec: { ...spec, stdin: StdinMode.PIPE } });
  void feedStdin((write) => processes.writeStdin({ ...target, ...write }));
  return followProcess(processes.watchProcess(target), { onStarted });
};

/** Copies our stdin to the process's, as fast as it reads. Never rejects. */
async function feedStdin(write: (chunk: StdinChunk) => Promise<unknown>): Promise<void> {
  try {
    for await (const chunk of readStandardInput()) await write(chunk);
  } catch {
    // A process need not read its stdin; and if it cannot be written to for
    // another reason, the calls that matter fail too and say so.
  }
}
