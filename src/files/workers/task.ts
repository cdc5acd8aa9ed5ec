import { RunletError } from '../../errors.ts';
import type { Asker } from '../../turn-queue.ts';
import type { AgentAnswer, AgentRequest } from '../agent/messages.ts';
import type { FaultMessage } from '../file-fault.ts';
import type { Seat } from './seat.ts';

/** What came of a step: a piece, where there was one, or the end. */
export type TaskStep<Piece, Result> =
  | { readonly done: false; readonly piece: Piece | undefined }
  | { readonly done: true; readonly result: Result };

/** An operation that is done step by step. */
export interface Steps<Piece, Result, Input> {
  /**
   * Does the next step. The one before must be over. What the first is given is not told.
   *
   * @throws RunletError what the operation failed with; it is over then
   */
  next(input?: Input): Promise<TaskStep<Piece, Result>>;
  /** Gives it up where it is, unless it is over. What it holds is freed when its step is done. */
  close(): void;
}

/** The first step of an operation, which any thread may do. */
export interface Beginning {
  readonly asker: Asker;
  /** Whether it is not wanted any more: whoever has asked knows then. */
  givenUp(): boolean;
  /** Does it in a thread that is free for it. */
  begin(seat: Seat): void;
  fail(error: Error): void;
}

/** What a task is made with. */
export interface TaskOptions {
  readonly operation: string;
  readonly args: unknown;
  readonly asker: Asker;
  readonly onError: (error: unknown) => void;
  /** Lets it begin in its turn, unless it is refused: then it returns why. */
  enter(beginning: Beginning): Error | undefined;
  /** One that was let in is over. Undefined: it never began. */
  leave(seat: Seat | undefined): void;
  /** It is over, or never began: what it was given is not used any more. Called once. */
  readonly onOver?: (() => void) | undefined;
}

let lastTask = 0;

/** An operation on files that is done step by step, in one thread. */
export class Task<Piece, Result, Input> implements Steps<Piece, Result, Input> {
  readonly #options: TaskOptions;
  readonly #id = ++lastTask;
  #seat: Seat | undefined;
  #state: 'new' | 'at-work' | 'waits' | 'over' = 'new';
  #closed = false;
  /** Gives up before it has begun. */
  #abandon: (() => void) | undefined;

  constructor(options: TaskOptions) {
    this.#options = options;
  }

  async next(input?: Input): Promise<TaskStep<Piece, Result>> {
    if (this.#closed || this.#state === 'over') throw new Error('the operation is over');
    const isFirst = this.#state === 'new';
    this.#state = 'at-work';
    const answer = isFirst
      ? await this.#begin()
      : await this.#ask({ kind: 'step', task: this.#id, input });
    if (answer.kind === 'piece') {
      this.#state = 'waits';
      if (this.#closed) this.#giveUp();
      return { done: false, piece: answer.piece as Piece | undefined };
    }
    this.#end();
    if (answer.kind === 'done') return { done: true, result: answer.result as Result };
    throw answer.kind === 'fault' ? errorOfFault(answer.fault) : this.#internal(answer.error);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#state === 'waits') this.#giveUp();
    if (this.#state === 'new') this.#over();
    this.#abandon?.();
  }

  #begin(): Promise<AgentAnswer> {
    const { args, asker, enter, leave, operation } = this.#options;
    return new Promise((settle, reject) => {
      const stop = (error: Error): void => {
        this.#abandon = undefined;
        this.#over();
        reject(error);
      };
      const fail = (error: Error): void => {
        stop(error);
        leave(undefined);
      };
      this.#abandon = () => fail(new Error('given up'));
      const refusal = enter({
        asker,
        givenUp: () => this.#closed,
        begin: (seat) => {
          this.#seat = seat;
          this.#abandon = undefined;
          void this.#ask({ kind: 'begin', task: this.#id, operation, args }).then(settle);
        },
        fail,
      });
      if (refusal !== undefined) stop(refusal);
    });
  }

  #giveUp(): void {
    this.#state = 'at-work';
    void this.#ask({ kind: 'close', task: this.#id }).then((answer) => {
      if (answer.kind === 'error') this.#internal(answer.error);
      this.#end();
    });
  }

  #ask(request: AgentRequest): Promise<AgentAnswer> {
    return new Promise((settle) => {
      this.#seat?.take({ request, asker: this.#options.asker, settle });
    });
  }

  #end(): void {
    if (this.#state === 'over') return;
    this.#over();
    this.#options.leave(this.#seat);
  }

  #over(): void {
    this.#state = 'over';
    this.#options.onOver?.();
  }

  #internal(error: unknown): unknown {
    if (error instanceof RunletError) return error;
    this.#options.onError(error);
    return new RunletError('INTERNAL', { cause: error });
  }
}

/** The error that clients are told of. */
export function errorOfFault({ failure, metadata, reason }: FaultMessage): RunletError {
  const text = failure.message === '' ? undefined : failure.message;
  return new RunletError(reason, {
    ...(text === undefined ? {} : { message: `${failure.operation}: ${text}` }),
    metadata,
    fileFailure: failure,
  });
}
