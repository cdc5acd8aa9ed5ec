import { close, closeSync } from 'node:fs';
import type { Clock } from '../../clock.ts';
import type { RunletError } from '../../errors.ts';
import { HELPER_END_MS, HELPER_START_MS } from '../../limits.ts';
import { sandboxUnavailable } from '../../sandbox/sandbox-failure.ts';
import type { AgentAnswer, AgentRequest } from '../agent/messages.ts';
import type { OperationName } from '../agent/operations.ts';
import type { OpenLink, SeatEvents, SeatLink } from '../workers/seat-link.ts';
import { isAnswer, isAnswered } from './answer-shapes.ts';
import { Channel, type ChannelMessage } from './channel.ts';
import type { NativeSockets } from './socket-native.ts';

/** The process of a helper. */
export interface HelperProcess {
  /** Resolves when it ended, and all that came of it, with how, for people. Never rejects. */
  readonly ended: Promise<string>;
  /** Ends it at once, as far as the system can. */
  kill(): void;
}

/**
 * Starts a helper whose standard input is a socket, which stays the caller's.
 *
 * @throws RunletError why it could not be started: nothing of it is left then
 */
export type StartHelper = (socket: number, signal: AbortSignal) => Promise<HelperProcess>;

/** What links to helpers are made with. */
export interface ProcessLinkOptions {
  readonly native: NativeSockets;
  readonly start: StartHelper;
  readonly clock: Clock;
  /** One is to end. */
  readonly onEnding: () => void;
  /** One is no more, neither it nor its process. */
  readonly onGone: () => void;
}

/** Steps are done in processes. */
export function processLinks(options: ProcessLinkOptions): OpenLink {
  return (events) => new ProcessLink(options, events);
}

class ProcessLink implements SeatLink {
  readonly #options: ProcessLinkOptions;
  readonly #events: SeatEvents;
  readonly #channel: Channel;
  readonly #operations = new Map<number, OperationName>();
  /** What was asked for and is not answered. */
  #asked: AgentRequest | undefined;
  /** Of what is asked for while it starts there is one at most. */
  #waiting: AgentRequest | undefined;
  #ready = false;
  #closed = false;
  readonly #giveUp = new AbortController();
  #process: HelperProcess | undefined;

  constructor(options: ProcessLinkOptions, events: SeatEvents) {
    this.#options = options;
    this.#events = events;
    const [ours, theirs] = options.native.pair();
    this.#channel = new Channel({
      native: options.native,
      socket: ours,
      onMessage: (message) => this.#received(message),
      onEnd: (error) => this.#broke(error),
    });
    this.#channel.unref();
    void this.#start(theirs);
  }

  send(request: AgentRequest): void {
    if (!this.#ready) {
      this.#waiting = request;
      return;
    }
    this.#asked = request;
    try {
      if (request.kind === 'begin') {
        if (!isAnswered(request.operation)) throw new Error(`helpers do no ${request.operation}`);
        this.#operations.set(request.task, request.operation);
      }
      this.#channel.send(request, descriptorIn(request));
    } catch (error) {
      // Later: whoever sends does not expect an answer yet.
      queueMicrotask(() => this.#fail(helperFailure('', `a request could not be sent: ${error}`)));
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onEnding();
    // It sees that, and removes what is not whole.
    this.#channel.close();
    this.#giveUp.abort();
    const { clock } = this.#options;
    const process = this.#process;
    if (process === undefined) return;
    const timer = clock.setTimer(HELPER_END_MS, () => process.kill());
    void process.ended.then(() => timer.cancel());
  }

  readonly stuck = (): Error => helperFailure('ETIMEDOUT', 'the helper for files does not answer');

  async #start(theirs: number): Promise<void> {
    const { clock, onGone, start } = this.#options;
    const timer = clock.setTimer(HELPER_START_MS, () => {
      this.#fail(helperFailure('ETIMEDOUT', 'the helper for files does not start'));
    });
    try {
      const process = await start(theirs, this.#giveUp.signal);
      this.#process = process;
      if (this.#closed) process.kill();
      const how = await process.ended;
      this.#fail(helperFailure('', `the helper for files ended: ${how}`));
    } catch (error) {
      this.#fail(error);
    } finally {
      timer.cancel();
      closeSync(theirs);
      onGone();
    }
  }

  #broke(error: Error | undefined): void {
    const why = error?.message ?? 'it closed its socket';
    this.#fail(helperFailure('', `the helper for files is not there any more: ${why}`));
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#events.onEnd(error);
  }

  #received({ descriptor, value }: ChannelMessage): void {
    if (!this.#ready && value === 'ready' && descriptor === undefined) {
      this.#ready = true;
      this.#events.onReady();
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting !== undefined) this.send(waiting);
      return;
    }
    const answer = this.#answerIn(value, descriptor);
    if (answer !== undefined) {
      this.#events.onAnswer(answer);
      return;
    }
    // Of what it is we do not know: closing it is not for us to wait for.
    if (descriptor !== undefined) close(descriptor, () => {});
    this.#fail(helperFailure('EBADMSG', 'the helper for files has answered what is no answer'));
  }

  /** Undefined: it is none to what was asked for. */
  #answerIn(value: unknown, descriptor: number | undefined): AgentAnswer | undefined {
    const asked = this.#asked;
    const operation = asked && this.#operations.get(asked.task);
    if (asked === undefined || operation === undefined) return undefined;
    if (!isAnswer(value, operation, asked.kind === 'close')) return undefined;
    const answer = value as AgentAnswer;
    if (hasDescriptor(answer) !== (descriptor !== undefined)) return undefined;
    this.#asked = undefined;
    if (answer.kind !== 'piece') this.#operations.delete(asked.task);
    if (answer.kind === 'error') return { kind: 'error', error: faultOfHelper(answer.error) };
    if (answer.kind !== 'piece' || descriptor === undefined) return answer;
    return { kind: 'piece', piece: { ...(answer.piece as object), descriptor } };
  }
}

/** That of inotify(7), which is passed in. */
function descriptorIn(request: AgentRequest): number | undefined {
  if (request.kind !== 'begin' || request.operation !== 'watchFolders') return undefined;
  const { inotify } = request.args as { readonly inotify: number };
  return inotify;
}

function hasDescriptor(answer: AgentAnswer): boolean {
  if (answer.kind !== 'piece' || typeof answer.piece !== 'object') return false;
  return answer.piece !== null && Reflect.get(answer.piece, 'descriptor') !== undefined;
}

/** Characters of what a helper says went wrong that the log is told. */
const MAX_ERROR_TEXT = 1000;

/** For the log. */
function faultOfHelper(error: unknown): Error {
  const text = error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
  return new Error(`in a helper for files: ${text.slice(0, MAX_ERROR_TEXT)}`);
}

function helperFailure(errnoName: string, message: string): RunletError {
  return sandboxUnavailable('helper', errnoName, message);
}
