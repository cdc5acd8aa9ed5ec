import { type Process as ProcessMessage, ProcessState } from '../gen/runlet/v1/process_pb.ts';
import { deferred } from './deferred.ts';
import { type ProcessClosure, type ProcessExit, processInfo } from './process-info.ts';

/** What is known of how far a process's life has come. */
export class ProcessLife {
  readonly #exited = deferred<ProcessExit>();
  readonly #closed = deferred<ProcessClosure>();
  readonly #onOver: () => void;
  /** Whether its start was answered; until then the server need not know it. */
  started = false;
  /** How many asked for it, by a start or a question, and were not refused. */
  expected = 0;
  #over = false;

  /** `onOver` is called once, when nothing more is to be known. */
  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  /** Resolves when it exited; rejects if that cannot be known any more. */
  get exited(): Promise<ProcessExit> {
    return this.#exited.promise;
  }

  /** Resolves when it is closed; rejects if that cannot be known any more. */
  get closed(): Promise<ProcessClosure> {
    return this.#closed.promise;
  }

  /** Whether nothing more is to be known. */
  get over(): boolean {
    return this.#over;
  }

  /** Takes what the server tells. News that come late, after others, change nothing. */
  update(message: ProcessMessage): void {
    if (message.state === ProcessState.RUNNING) return;
    const { closure, exit } = processInfo(message);
    if (exit !== undefined) this.#exited.resolve(exit);
    if (closure === undefined) return;
    this.#closed.resolve(closure);
    this.#end();
  }

  /** It cannot be followed any more. */
  fail(error: unknown): void {
    this.#exited.reject(error);
    this.#closed.reject(error);
    this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#onOver();
  }
}
