import type { Environment, EnvPolicy } from '../environment/env-policy.ts';
import type { Overflow } from '../output/event-log-options.ts';
import type { SandboxSpec } from '../sandbox/sandbox-spec.ts';
import type { ResourceLimits, TerminalSize } from './launcher.ts';

/** What to run and how, checked and with every default filled in. */
export interface ProcessSpec {
  /** At least one; the first is the program. */
  readonly argv: readonly string[];
  /** What the program sees as its own name. */
  readonly arg0: string;
  /** An absolute path. */
  readonly cwd: string;
  /** Undefined: the environment is exactly `env`. */
  readonly envPolicy: EnvPolicy | undefined;
  readonly env: Environment;
  /** The name of a user, or its number in digits; undefined: as the server runs. */
  readonly user: string | undefined;
  /** Undefined: it runs as the server does. */
  readonly sandbox: SandboxSpec | undefined;
  readonly stdin: 'closed' | 'pipe';
  /** The size of its terminal; undefined: it has none. */
  readonly terminal: TerminalSize | undefined;
  /** Its standard error goes where its standard output goes, in the order of the writes. */
  readonly mergeStderr: boolean;
  /** Undefined: what the server is limited to. */
  readonly limits: ResourceLimits | undefined;
  /** Milliseconds from the start after which it is ended; undefined: never. */
  readonly timeoutMs: number | undefined;
  /** Milliseconds from the exit after which output is cut; undefined: never. */
  readonly drainTimeoutMs: number | undefined;
  /** Bytes, at least 1. */
  readonly retainedBytes: number;
  readonly overflow: Overflow;
  /** Milliseconds from closure. */
  readonly retentionMs: number;
  readonly labels: ReadonlyMap<string, string>;
  /** Whether it is told in its environment where in which trace it is. Default: false. */
  readonly traceContext?: boolean;
  /** What of this whoever asks left to the server. Default: nothing. */
  readonly leftToServer?: ReadonlySet<'cwd' | 'retainedBytes' | 'retentionMs'>;
}
