import type { Clock, Timer } from '../clock.ts';
import { MAX_WAITING_NOTICES, NOTICE_RETRY_MS } from '../limits.ts';
import type { NotifySocket } from './notify-socket.ts';

/** What is said in one notice: sd_notify(3) has the names. */
export type Notice = Readonly<Record<string, string>>;

/** Tells a service manager what becomes of this program. Nothing of it throws or waits. */
export interface Notifier {
  /** Tells something, after all that was told before: what cannot be sent now is sent later. */
  tell(notice: Notice): void;
  /** Nothing is sent any more. */
  close(): void;
}

/** What {@link createNotifier} needs. */
export interface NotifierOptions {
  readonly socket: NotifySocket;
  readonly clock: Clock;
  /** Told of the first of some failures in a row. */
  readonly onProblem: (error: unknown) => void;
}

/** Makes one that sends to a socket. */
export function createNotifier({ clock, onProblem, socket }: NotifierOptions): Notifier {
  const waiting: string[] = [];
  let retry: Timer | undefined;
  let fails = false;
  /** Whether a notice needs no more sending. */
  const isDone = (notice: string): boolean => {
    try {
      if (!socket.send(notice)) return false;
      fails = false;
    } catch (error) {
      // Whoever was to be told is gone. Another may be there for the next.
      if (!fails) onProblem(error);
      fails = true;
    }
    return true;
  };
  const flush = (): void => {
    retry = undefined;
    const first = waiting.findIndex((notice) => !isDone(notice));
    waiting.splice(0, first < 0 ? waiting.length : first);
    if (waiting.length > 0) retry = clock.setTimer(NOTICE_RETRY_MS, flush);
  };
  return {
    tell(notice) {
      const text = textOf(notice);
      // One that says the same again would come in a heap with the others.
      if (waiting.at(-1) === text) return;
      waiting.push(text);
      // The newest tell what is true.
      if (waiting.length > MAX_WAITING_NOTICES) waiting.shift();
      if (retry === undefined) flush();
    },
    close() {
      retry?.cancel();
      waiting.length = 0;
      socket.close();
    },
  };
}

/** A line for each: a value cannot begin another one. */
function textOf(notice: Notice): string {
  return Object.entries(notice)
    .map(([name, value]) => `${name}=${value.replace(/[\0\n]/g, '?')}`)
    .join('\n');
}
