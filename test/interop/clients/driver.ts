import type { Facts, FailureFacts, Note, Operation, Params } from './protocol.ts';

/** Performs calls in one language. */
export interface Driver {
  /** Begins an operation at a server, HOST:PORT. */
  begin<O extends Operation>(address: string, op: O, params: Params<O>): Running<Facts<O>>;
  /** Ends the driver, and what it has under way. */
  end(): Promise<void>;
}

/** An operation that was begun. */
export interface Running<F> {
  /** What it tells in the end; rejects with a {@link CallFailure}. */
  readonly facts: Promise<F>;
  /**
   * Waits for the next note that matches. Notes before it are passed over. Rejects if the
   * operation ends first.
   */
  note(matches: (note: Note) => boolean): Promise<Note>;
}

/** A call that failed. */
export class CallFailure extends Error {
  readonly facts: FailureFacts;

  constructor(facts: FailureFacts) {
    super(`${facts.code}/${facts.reason}`);
    this.facts = facts;
  }
}

/** An operation as a driver sees it that performs it. */
export interface OpenOperation<F> {
  readonly running: Running<F>;
  tell(note: Note): void;
  succeed(facts: F): void;
  fail(cause: Error): void;
}

/** Keeps the notes of an operation until somebody waits for them. */
export function openOperation<F>(): OpenOperation<F> {
  const notes: Note[] = [];
  let ended: Error | undefined;
  let wake = (): void => {};
  let succeed!: (facts: F) => void;
  let reject!: (cause: Error) => void;
  const facts = new Promise<F>((resolve, refuse) => {
    succeed = resolve;
    reject = refuse;
  });
  // Nobody may be waiting for it yet.
  facts.catch(() => {});
  const end = (cause: Error): void => {
    ended = cause;
    wake();
  };
  return {
    running: {
      facts,
      async note(matches) {
        for (;;) {
          const note = notes.shift();
          if (note !== undefined && matches(note)) return note;
          if (note !== undefined) continue;
          if (ended !== undefined) throw ended;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
    },
    tell(note) {
      notes.push(note);
      wake();
    },
    succeed(result) {
      succeed(result);
      end(new Error('the operation ended without such a note'));
    },
    fail(cause) {
      reject(cause);
      end(cause);
    },
  };
}
