import type { Readable } from 'node:stream';
import { OUTPUT_STREAMS, type OutputStream } from '../output/event.ts';
import { EventLog } from '../output/event-log.ts';
import type { EventLogOptions } from '../output/event-log-options.ts';
import type { LaunchedProcess } from './launcher.ts';

/** A stream from which no more is read. */
export interface StreamEnd {
  readonly stream: OutputStream;
  /** The bytes that were read from it. */
  readonly bytes: number;
  /** Whether it was read to its end. */
  readonly complete: boolean;
}

/** Who is told of output, beside the log. */
export interface OutputListener {
  /** Something was written to the terminal, and comes to the log next. */
  readonly onTerminal: (data: Uint8Array) => void;
  /** No more is read from a stream. */
  readonly onOver: (end: StreamEnd) => void;
}

/** Reads what a process writes into its log, while that takes it. */
export class ProcessOutput {
  readonly log: EventLog;
  /** Those that have not ended. */
  readonly #open = new Map<OutputStream, Readable>();
  readonly #listener: OutputListener;

  constructor(
    sources: LaunchedProcess['output'],
    log: Omit<EventLogOptions, 'onFlow'>,
    listener: OutputListener,
  ) {
    this.#listener = listener;
    for (const stream of OUTPUT_STREAMS) {
      const source = sources[stream];
      if (source !== undefined) this.#open.set(stream, source);
    }
    this.log = new EventLog({ ...log, onFlow: (flowing) => this.#setFlowing(flowing) });
  }

  /** Begins to read. */
  begin(): void {
    for (const [stream, source] of this.#open) this.#follow(stream, source);
  }

  /** Reads no more of what is open: its ends follow, and are not complete. */
  cut(): void {
    for (const source of this.#open.values()) source.destroy();
  }

  #follow(stream: OutputStream, source: Readable): void {
    source.on('data', (data: Buffer) => {
      if (stream === 'terminal') this.#listener.onTerminal(data);
      this.log.appendOutput(stream, data);
      // Node resumes a child's streams when it exits, paused or not.
      if (!this.log.flowing) source.pause();
    });
    // Told by 'close' together with all other ends.
    source.on('error', () => {});
    const over = (): void => {
      if (!this.#open.delete(stream)) return;
      const complete = source.readableEnded;
      this.#listener.onOver({ stream, bytes: this.log.totals[stream], complete });
    };
    // A turn of the event loop before 'close', which alone comes where it was cut.
    source.once('end', over);
    source.once('close', over);
  }

  #setFlowing(flowing: boolean): void {
    for (const source of this.#open.values()) {
      if (flowing) source.resume();
      else source.pause();
    }
  }
}
