import type { Clock } from '../clock.ts';
import type { KeepAlive } from './keep-alive.ts';
import type { SpecDefaults } from './options.ts';
import type { ProcessLives } from './process-lives.ts';
import type { SessionCalls } from './session-calls.ts';

/** What a session is made of, for its client. @internal */
export interface SessionParts {
  readonly calls: SessionCalls;
  readonly lives: ProcessLives;
  readonly clock: Clock;
  readonly keepAlive: KeepAlive;
  /** What processes are started with where their specs do not say. */
  readonly defaults: SpecDefaults;
  /** How long a process can be read after its end where its spec does not say. */
  readonly retentionMs: number;
}
