import { type Logger, pino } from 'pino';
import { LOG_FLUSH_MS, MAX_LOG_LINE } from '../limits.ts';
import { LogSink } from './log-sink.ts';
import { redact } from './redact.ts';

/** A logger, and how to write out what it still holds, in bounded time. */
export interface LoggerHandle {
  readonly logger: Logger;
  flush(): Promise<void>;
}

/** How pino begins a line. */
const BEGIN = /^\{"level":\d+,"time":"[^"]*"/;

/** Logs as JSON on standard error, without secrets: see {@link redact}. */
export function createLogger(level: string): LoggerHandle {
  const sink = new LogSink(2);
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line) => sink.write(tellable(line)) },
  );
  return { logger, flush: () => sink.flush(LOG_FLUSH_MS) };
}

/** A line as it may be told: looking through one takes time in proportion to its length. */
function tellable(line: string): string {
  if (line.length <= MAX_LOG_LINE) return redact(line);
  const begin = BEGIN.exec(line)?.[0] ?? '{"level":40';
  return `${begin},"length":${line.length},"msg":"a line of the log is left out: it is too long"}\n`;
}
