import type { ProcessFigures, SessionFigures } from './figures.ts';

/** How many there are of what somebody sees, and what they have together. */
export interface Totals {
  readonly attached: number;
  readonly detached: number;
  readonly running: number;
  readonly exited: number;
  readonly closed: number;
  readonly memoryBytes: number;
  readonly fileBytes: number;
  readonly openCalls: number;
}

/** Adds up all but calls. */
export function totalsOf(
  sessions: Iterable<{ readonly figures: SessionFigures }>,
  processes: Iterable<{ readonly figures: ProcessFigures }>,
): Omit<Totals, 'openCalls'> {
  const states = { running: 0, exited: 0, closed: 0 };
  let attached = 0;
  let detached = 0;
  let memoryBytes = 0;
  let fileBytes = 0;
  for (const { figures } of sessions) {
    if (figures.attached) attached += 1;
    else detached += 1;
  }
  for (const { figures } of processes) {
    states[figures.state] += 1;
    memoryBytes += figures.memoryBytes;
    fileBytes += figures.fileBytes;
  }
  return { attached, detached, ...states, memoryBytes, fileBytes };
}
