import { format } from 'node:util';
import { logVerbosity, setLogger, setLogVerbosity } from '@grpc/grpc-js';
import { redact } from './redact.ts';

/** What is needed of a log here. */
type Log = Record<
  'debug' | 'info' | 'warn',
  (facts: { readonly from: string }, text: string) => void
>;

/** How grpc-js tells of a header that it leaves out: its name, and its value in clear. */
const LEFT_OUT = /^Failed to add metadata entry ([^:]*):/;

/** Characters of a text that are logged: some are as long as whoever calls likes. */
const MAX_TEXT = 1_000;

/** Characters of a text that are looked through for secrets before it is cut off. */
const MAX_REDACTED = 8 * MAX_TEXT;

/**
 * Has what libraries and Node.js itself would write to standard error go to the log of a
 * server: as lines of JSON like all others, without a value of a header, and without ending
 * the program where it cannot be written.
 */
export function logStrayOutput(log: Log): void {
  setLogger({
    // Headers, requests: what the client did wrong, and can do as often as it likes.
    error: (text: unknown) => {
      const name = LEFT_OUT.exec(String(text))?.[1];
      if (name === undefined) log.warn({ from: 'grpc-js' }, cut(String(text)));
      else log.debug({ from: 'grpc-js' }, `the header ${cut(name)} is left out: not ASCII`);
    },
    info: (text: unknown) => log.info({ from: 'grpc-js' }, cut(String(text))),
    debug: (text: unknown) => log.debug({ from: 'grpc-js' }, cut(String(text))),
  });
  const say = (...args: unknown[]): void => log.warn({ from: 'console' }, cut(format(...args)));
  Object.assign(console, { debug: say, error: say, info: say, log: say, trace: say, warn: say });
  // That of Node.js, which writes it out.
  process.removeAllListeners('warning');
  process.on('warning', ({ message, name }) =>
    log.warn({ from: 'node' }, cut(`${name}: ${message}`)),
  );
}

/**
 * Has grpc-js say nothing in a command: what it would say of the headers of an answer can
 * be anything, for the terminal to make something of. Not if somebody asked it to talk.
 */
export function quietGrpc(env: NodeJS.ProcessEnv): void {
  const asked = env['GRPC_VERBOSITY'] ?? env['GRPC_NODE_VERBOSITY'];
  if (asked === undefined) setLogVerbosity(logVerbosity.NONE);
}

/**
 * The beginning of a text, without secrets: the log would not know one any more of which the end
 * is cut off.
 */
function cut(text: string): string {
  if (text.length <= MAX_REDACTED) return redact(text).slice(0, MAX_TEXT);
  // Where this ends may be within a secret.
  const begin = text.slice(0, MAX_REDACTED);
  return redact(begin.slice(0, begin.lastIndexOf(' ') + 1)).slice(0, MAX_TEXT);
}
