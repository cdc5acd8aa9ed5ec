import { setImmediate } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { Agent } from '../../src/files/agent/agent.ts';
import { Desk } from '../../src/files/agent/desk.ts';
import { loadNativeFiles } from '../../src/files/agent/native.ts';
import { Places } from '../../src/files/agent/places.ts';
import type { WatchArgs, WatchEnd, WatchPiece } from '../../src/files/agent/watch.ts';
import { EventQueue } from '../../src/files/watch/event-queue.ts';
import { Inotify } from '../../src/files/watch/inotify.ts';
import { loadNativeInotify } from '../../src/files/watch/inotify-native.ts';
import { Watch } from '../../src/files/watch/watch.ts';
import type { WatchMessage } from '../../src/files/watch/watch-message.ts';
import type { FolderWatchers } from '../../src/files/watch/watched-folders.ts';
import { errorOfFault, type TaskStep } from '../../src/files/workers/task.ts';

/** Bytes of events that are read at once, unless less is wanted. */
const READ_BYTES = 64 * 1024;

const MAX_FOLDERS = 8192;

/**
 * A watch of a folder and of all below it, in this thread. Events are the system's and folders are
 * looked at as by a thread of the server, but each when the test says so.
 */
export interface WatchedHere {
  readonly messages: AsyncGenerator<WatchMessage, void>;
  /** Reads events that are there, if any. */
  read(bytes?: number): void;
  /** Does the next step of a look, if one is wanted. @returns whether there was one */
  step(): boolean;
  /** Waits until a step is wanted, and does it. */
  look(): Promise<void>;
  /** Has the time pass that something is waited for, if anything is. */
  pass(): void;
}

/** Watches a folder until the test is over. */
export function watchHere(
  path: string,
  /** Is called before and after each folder is opened in a look. */
  beside: () => void = () => {},
): WatchedHere {
  const { inotify, read } = readByHand();
  const { step, workers } = stepByHand(beside);
  const { clock, pass } = passByHand();
  const count = {
    maximum: MAX_FOLDERS,
    room: MAX_FOLDERS,
    add: (folders: number) => {
      count.room -= folders;
    },
  };
  const asker = { principal: 'somebody', asker: path };
  const queue = new EventQueue(clock);
  const watch = new Watch({ path, recursive: true, asker, workers, inotify, queue, count });
  onTestFinished(() => {
    watch.close();
    inotify.close();
  });
  const look = async (): Promise<void> => {
    while (!step()) await setImmediate();
    // Until it is known what came of it.
    await setImmediate();
  };
  return { messages: watch.messages(), read, step, look, pass };
}

function readByHand(): { inotify: Inotify; read(bytes?: number): void } {
  const native = loadNativeInotify();
  if (native === undefined) throw new Error('inotify(7) cannot be called');
  let most = READ_BYTES;
  let onReadable: () => void = () => {};
  const inotify = new Inotify({
    ...native,
    read: (descriptor, into) => native.read(descriptor, into.subarray(0, most)),
    poll(_descriptor, callback) {
      onReadable = callback;
      return { close: () => {} };
    },
  });
  const read = (bytes = READ_BYTES): void => {
    most = bytes;
    onReadable();
  };
  return { inotify, read };
}

function stepByHand(beside: () => void): { workers: FolderWatchers; step(): boolean } {
  const native = loadNativeFiles();
  const places = new Places(
    [],
    native && {
      ...native,
      openBeneath(...args) {
        beside();
        try {
          return native.openBeneath(...args);
        } finally {
          beside();
        }
      },
    },
  );
  const desk = new Desk(new Agent({ roots: [] }, places));
  const steps: (() => void)[] = [];
  let lastTask = 0;
  const begin = (_asker: unknown, operation: string, args: WatchArgs) => {
    const task = ++lastTask;
    let state: 'new' | 'begun' | 'over' = 'new';
    const ask = (): TaskStep<WatchPiece, WatchEnd> => {
      const isNew = state === 'new';
      state = 'begun';
      const answer = desk.answer(
        isNew ? { kind: 'begin', task, operation, args } : { kind: 'step', task, input: undefined },
      );
      if (answer.kind === 'piece') return { done: false, piece: answer.piece as WatchPiece };
      state = 'over';
      if (answer.kind === 'done') return { done: true, result: answer.result as WatchEnd };
      throw answer.kind === 'fault' ? errorOfFault(answer.fault) : answer.error;
    };
    const next = (): Promise<TaskStep<WatchPiece, WatchEnd>> => {
      const turn = new Promise<void>((resolve) => void steps.push(resolve));
      return turn.then(ask);
    };
    const close = (): void => {
      if (state === 'begun') desk.answer({ kind: 'close', task });
      state = 'over';
    };
    return { next, close };
  };
  const step = (): boolean => {
    const next = steps.shift();
    next?.();
    return next !== undefined;
  };
  return { workers: { begin }, step };
}

function passByHand(): { clock: Clock; pass(): void } {
  const timers = new Set<() => void>();
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    setTimer(_delayMs, callback) {
      timers.add(callback);
      return { cancel: () => void timers.delete(callback) };
    },
  };
  const pass = (): void => {
    const [first] = timers;
    if (first === undefined) return;
    timers.delete(first);
    first();
  };
  return { clock, pass };
}
