import type { Process as ProcessMessage } from '../gen/runlet/v1/process_pb.ts';
import type { SessionEvent } from '../gen/runlet/v1/session_pb.ts';
import { ProcessLife } from './process-life.ts';
import type { SessionListener } from './session-listener.ts';

/** How the server is asked about one process. */
export interface LifeQuestions {
  /** The process as it is now. */
  get(processId: string): Promise<ProcessMessage | undefined>;
  /** The process once it has come so far. */
  wait(processId: string, until: 'exited' | 'closed'): Promise<ProcessMessage | undefined>;
}

/** The lives of the processes of a session that somebody waits for. */
export class ProcessLives implements SessionListener {
  readonly #questions: LifeQuestions;
  /** Whether the session tells of them by itself. */
  readonly #told: boolean;
  readonly #lives = new Map<string, ProcessLife>();
  readonly #asked = new WeakSet<ProcessLife>();

  constructor(questions: LifeQuestions, told: boolean) {
    this.#questions = questions;
    this.#told = told;
  }

  /** The life of a process, from before its start is asked for. */
  expect(processId: string): ProcessLife {
    let life = this.#lives.get(processId);
    if (life === undefined) {
      life = new ProcessLife(() => this.#lives.delete(processId));
      this.#lives.set(processId, life);
    }
    life.expected += 1;
    return life;
  }

  /**
   * Its start failed; nothing is to be told of it, unless it had been started before, or another
   * start with the same id may yet succeed.
   */
  forget(processId: string, life: ProcessLife): void {
    life.expected -= 1;
    if (life.started || life.expected > 0) return;
    if (this.#lives.get(processId) === life) this.#lives.delete(processId);
  }

  /** Somebody wants to know of its end. */
  ask(processId: string, life: ProcessLife): void {
    if (this.#told || life.over || this.#asked.has(life)) return;
    this.#asked.add(life);
    void this.#wait(processId, life);
  }

  onAttached(processes: readonly ProcessMessage[]): void {
    const known = new Set<string>();
    for (const process of processes) {
      known.add(process.processId);
      this.#lives.get(process.processId)?.update(process);
    }
    for (const [processId, life] of this.#lives) {
      if (life.started && !known.has(processId)) void this.#missing(processId, life);
    }
  }

  onEvent(event: SessionEvent['event']): void {
    if (event.case !== 'processExited' && event.case !== 'processClosed') return;
    const { process } = event.value;
    if (process !== undefined) this.#lives.get(process.processId)?.update(process);
  }

  onLost(error: Error): void {
    for (const life of [...this.#lives.values()]) life.fail(error);
  }

  /** It ended and was evicted while there was no connection, which the server can say. */
  async #missing(processId: string, life: ProcessLife): Promise<void> {
    try {
      const process = await this.#questions.get(processId);
      if (process !== undefined) life.update(process);
    } catch (error) {
      life.fail(error);
    }
  }

  async #wait(processId: string, life: ProcessLife): Promise<void> {
    try {
      for (const until of ['exited', 'closed'] as const) {
        const process = await this.#questions.wait(processId, until);
        if (process !== undefined) life.update(process);
      }
    } catch (error) {
      life.fail(error);
    }
  }
}
