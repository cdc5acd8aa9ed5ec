import { type Logger, pino } from 'pino';

/** A logger, and how to write out what it still holds. */
export interface LoggerHandle {
  readonly logger: Logger;
  flush(): Promise<void>;
}

/**
 * Logs as JSON on standard error. Lines are written by Node's thread pool, so a
 * reader of the log that stalls does not stall the server.
 */
export function createLogger(level: string): LoggerHandle {
  const destination = pino.destination({ fd: 2, sync: false });
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  const flush = (): Promise<void> =>
    new Promise((resolve) => {
      destination.flush(() => resolve());
    });
  return { logger, flush };
}
