import type { GapRange, OutputStreamName, ProcessEvent, ProcessExit } from '../client/index.ts';
import { eventLine } from './event-line.ts';
import { printJson, say } from './print.ts';
import { type StandardOutput, standardOutput } from './standard-output.ts';

/** Takes events, no faster than whoever reads our standard streams does. */
export type EventSink = (event: ProcessEvent) => Promise<void>;

/** Writes output to the streams that it is of, and says on standard error what is missing. */
export function outputSink(): EventSink {
  const stdout = standardOutput(1);
  const outputs: Readonly<Record<OutputStreamName, StandardOutput>> = {
    stdout,
    stderr: standardOutput(2),
    terminal: stdout,
  };
  return async (event) => {
    if (event.kind === 'output') await outputs[event.stream].write(event.data);
    if (event.kind === 'gap') for (const range of event.ranges) say(describeGap(range));
  };
}

/** Writes every event as a line of JSON. */
export function lineSink(): EventSink {
  let exit: ProcessExit | undefined;
  return (event) => {
    if (event.kind === 'exited') exit = event;
    return printJson(eventLine(event, exit));
  };
}

function describeGap({ length, offset, stream }: GapRange): string {
  return `${length} bytes of ${stream}, from ${offset} on, are no longer retained (gap)`;
}
