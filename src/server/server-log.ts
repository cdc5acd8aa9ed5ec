import type { Logger } from 'pino';

/** Where a server says what happens: pino's, or one that keeps nothing. */
export type ServerLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;
