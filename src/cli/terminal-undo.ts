import { systemClock } from '../clock.ts';
import { TerminalModes } from '../terminal-modes.ts';
import { within } from '../within.ts';
import type { EventSink } from './event-sink.ts';
import { type StandardOutput, standardOutput } from './standard-output.ts';

/** How long our terminal may take to be set as it was. */
const UNDO_MS = 1_000;

/**
 * Sets our terminal as it is where nobody set it: whoever leaves a full-screen program, or loses
 * it, would have a terminal in its modes. `undo` are control sequences.
 */
export async function undoModes(
  undo: string,
  output: StandardOutput = standardOutput(1),
): Promise<void> {
  if (undo === '') return;
  const written = output.write(Buffer.from(undo)).catch(() => {});
  await within(written, systemClock, UNDO_MS);
}

/** Follows how our terminal is set by what a sink writes to it, and how that is undone. */
export interface UndoingSink {
  readonly sink: EventSink;
  /** Sets it back. Never rejects. */
  undo(): Promise<void>;
}

/** Follows how a terminal is set by output that is written to it by a sink. */
export function undoingSink(sink: EventSink): UndoingSink {
  const modes = new TerminalModes();
  return {
    sink(event) {
      if (event.kind === 'output') modes.feed(event.data);
      return sink(event);
    },
    undo: () => undoModes(modes.undo()),
  };
}
