import { type FileFault, faultOf } from '../file-fault.ts';
import type { Agent } from './agent.ts';
import type { AgentAnswer, AgentRequest } from './messages.ts';
import { OPERATIONS, type OperationName } from './operations.ts';

/** The operations of an agent that are under way, by the numbers that whoever asks has given them. */
export class Desk {
  readonly #agent: Agent;
  readonly #tasks = new Map<number, Generator<unknown, unknown, unknown>>();

  constructor(agent: Agent) {
    this.#agent = agent;
  }

  /** Does what is asked for, and says what came of it. Never throws. */
  answer(request: AgentRequest): AgentAnswer {
    try {
      return this.#answer(request);
    } catch (error) {
      this.#tasks.delete(request.task);
      const fault = asFault(error, request);
      if (fault === undefined) return { kind: 'error', error };
      const { failure, metadata, reason } = fault;
      return { kind: 'fault', fault: { failure, metadata, reason } };
    }
  }

  /** Gives all up that is under way, so that nothing is left of it. */
  close(): void {
    for (const task of [...this.#tasks.keys()]) this.answer({ kind: 'close', task });
  }

  #answer(request: AgentRequest): AgentAnswer {
    const { task } = request;
    if (request.kind === 'begin') {
      const operate = OPERATIONS[request.operation as OperationName] as (
        agent: Agent,
        args: unknown,
      ) => unknown;
      const begun = operate(this.#agent, request.args);
      if (!isGenerator(begun)) return { kind: 'done', result: begun };
      this.#tasks.set(task, begun);
      return this.#told(task, begun.next());
    }
    const begun = this.#tasks.get(task);
    if (request.kind === 'close') {
      this.#tasks.delete(task);
      begun?.return(undefined);
      return { kind: 'done', result: undefined };
    }
    if (begun === undefined) throw new Error(`there is no task ${task}`);
    return this.#told(task, begun.next(request.input));
  }

  #told(task: number, { done, value }: IteratorResult<unknown, unknown>): AgentAnswer {
    if (!done) return { kind: 'piece', piece: value };
    this.#tasks.delete(task);
    return { kind: 'done', result: value };
  }
}

function asFault(error: unknown, request: AgentRequest): FileFault | undefined {
  try {
    const operation = request.kind === 'begin' ? request.operation : 'step';
    return faultOf(error, operation, pathIn(request));
  } catch {
    return undefined;
  }
}

/** The path that the operation is about, where it does not say of which one an error is. */
function pathIn(request: AgentRequest): string {
  if (request.kind !== 'begin') return '';
  const { path } = request.args as { readonly path?: unknown };
  return typeof path === 'string' ? path : '';
}

function isGenerator(value: unknown): value is Generator<unknown, unknown, unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value && 'next' in value;
}
