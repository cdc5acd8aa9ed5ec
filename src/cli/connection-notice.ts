import { isatty } from 'node:tty';
import { sayAsIs } from './print.ts';

/** A break that is over sooner is not worth a word, in milliseconds. */
const NOTICE_MS = 1_000;

/**
 * Says on a terminal that the connection broke, where it is not back at once, and when it
 * is back: what is typed meanwhile seems to go nowhere. Says nothing to a script.
 */
export function connectionNotice(reconnectFor: number): (connected: boolean) => void {
  let timer: NodeJS.Timeout | undefined;
  let said = false;
  return (connected) => {
    clearTimeout(timer);
    if (!connected) {
      timer = setTimeout(() => {
        said = true;
        notice(`the connection broke; trying to come back for ${reconnectFor} s`);
      }, NOTICE_MS);
      timer.unref();
    } else if (said) {
      said = false;
      notice('connected again');
    }
  };
}

/** On lines of its own, on a terminal in raw mode too. */
function notice(text: string): void {
  if (isatty(2)) sayAsIs(`\r\nrunlet: ${text}\r\n`);
}
