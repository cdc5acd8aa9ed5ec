import type { MessageInitShape } from '@bufbuild/protobuf';
import type { InteractRequestSchema } from '../gen/runlet/v1/process_pb.ts';
import { Latch } from '../latch.ts';
import { merge } from './merge.ts';
import { enterRawMode, findOwnTerminal, type OwnTerminal } from './own-terminal.ts';
import { followProcess, type RunProcess } from './run-process.ts';
import { readStandardInput } from './standard-input.ts';

type Message = MessageInitShape<typeof InteractRequestSchema>;

/**
 * Runs a process on a terminal that stands for ours: it has its size and name, and
 * gets what is typed, key by key. Where our standard input is no terminal, all of it
 * is typed.
 */
export const runOnTerminal: RunProcess = async (processes, target, spec, onStarted) => {
  const own = findOwnTerminal();
  const terminal = {
    term: process.env['TERM'] ?? '',
    ...(own === undefined ? {} : { size: own.size() }),
  };
  const started = new Latch();
  async function* messages(): AsyncGenerator<Message> {
    yield { request: { case: 'start', value: { ...target, spec: { ...spec, terminal } } } };
    // What is typed before is for nobody else if the start fails.
    await started.wait();
    yield* merge(resizes(own), typed());
  }
  let leaveRawMode = (): void => {};
  try {
    return await followProcess(processes.interact(messages()), {
      onStarted: () => {
        leaveRawMode = enterRawMode();
        started.open();
        onStarted();
      },
      onExited: () => {
        // As where a terminal is hung up: what a shell left in the background would hold ours,
        // with nobody there to be typed to. It has nothing to outlive the session for.
        processes.terminateProcess(target).catch(() => {});
      },
    });
  } finally {
    leaveRawMode();
  }
};

async function* resizes(own: OwnTerminal | undefined): AsyncGenerator<Message> {
  if (own === undefined) return;
  for await (const value of own.sizes()) yield { request: { case: 'resize', value } };
}

async function* typed(): AsyncGenerator<Message> {
  for await (const value of readStandardInput()) yield { request: { case: 'stdin', value } };
}
