import { RunletClientError } from './client-error.ts';
import type { GapRange } from './process-event.ts';

/** Output that was read was no longer there, and nobody listens for `gap`. */
export class OutputLostError extends RunletClientError {
  override readonly name = 'OutputLostError';
  /** What is missing. */
  readonly range: GapRange;

  constructor(range: GapRange) {
    super(
      'OUTPUT_LOST',
      `${range.length} bytes of ${range.stream}, from ${range.offset} on, were dropped before they ` +
        "were read: overflow 'pause' holds the process up instead, and a listener for 'gap' reads on",
    );
    this.range = range;
  }
}
