import { type Logger, pino } from 'pino';
import { LOG_FLUSH_MS } from '../limits.ts';
import { LogSink } from './log-sink.ts';

/** A logger, and how to write out what it still holds, in bounded time. */
export interface LoggerHandle {
  readonly logger: Logger;
  flush(): Promise<void>;
}

/** Logs as JSON on standard error. */
export function createLogger(level: string): LoggerHandle {
  const sink = new LogSink(2);
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, sink);
  return { logger, flush: () => sink.flush(LOG_FLUSH_MS) };
}
