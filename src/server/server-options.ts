import type { SecureContext } from 'node:tls';
import type { Clock } from '../clock.ts';
import type { Environment } from '../environment/env-policy.ts';
import type { Limits } from '../limits.ts';
import type { EgressRule } from '../network/egress/egress-rule.ts';
import type { ListenRule } from '../network/egress/listen-rules.ts';
import type { HttpCredentials } from '../network/http/http-credentials.ts';
import type { EnvironmentProxies } from '../network/http/proxy-for.ts';
import type { Lookup } from '../network/lookup.ts';
import type { LivePolicy } from '../policy/live-policy.ts';
import type { Launcher } from '../process/launcher.ts';
import type { SandboxLayer } from '../sandbox/sandbox-spec.ts';
import type { Audit } from '../telemetry/audit.ts';
import type { Meter } from '../telemetry/meter.ts';
import type { Tracer } from '../telemetry/tracing/tracer.ts';
import type { DrainMode } from './drain.ts';
import type { HighWater } from './high-water.ts';
import type { ListenerOptions } from './listener-options.ts';
import type { ServerLog } from './server-log.ts';

/** How a server is made. */
export interface ServerOptions {
  /** Where to listen, and who is let in there; at least one. */
  readonly listeners: readonly ListenerOptions[];
  readonly logger: ServerLog;
  /** Counts what the server does. Default: nobody does. */
  readonly meter?: Meter | undefined;
  /** The environment that policies inherit from. Default: that of this process. */
  readonly environment?: Environment;
  /** The working directory where a spec names none, an absolute path. Default: this process's. */
  readonly cwd?: string;
  /**
   * The folder in which files of older output are kept while the server runs, made if it
   * is missing. Default: none, output is kept in memory alone.
   */
  readonly stateFolder?: string;
  /**
   * The folders that `FileService` is confined to, absolute paths. Default: none, it may what
   * this process may.
   */
  readonly fileRoots?: readonly string[];
  /** What callers may do beyond what they are granted. Default: everything. */
  readonly policy?: LivePolicy | undefined;
  /** Where is kept who did what. Default: what is not routine is in the log. */
  readonly audit?: Audit | undefined;
  /** Sandboxes that requests can name, whatever they are when one does. Default: none. */
  readonly sandboxProfiles?: (() => ReadonlyMap<string, SandboxLayer>) | undefined;
  /** Whether processes and files are refused without a sandbox. Default: false. */
  readonly requireSandbox?: boolean | undefined;
  /**
   * What connections and HTTP requests may reach, and nothing else. Default, and if it is empty:
   * all that is not denied.
   */
  readonly egressAllow?: readonly EgressRule[] | undefined;
  /**
   * What they may not, whatever is allowed. Default: link-local addresses and metadata services of
   * clouds, unless they are allowed.
   */
  readonly egressDeny?: readonly EgressRule[] | undefined;
  /** Where callers may listen. Default: at loopback addresses, which they always may. */
  readonly allowListen?: readonly ListenRule[] | undefined;
  /** What HTTP requests can be sent with that callers do not see. Default: nothing. */
  readonly httpCredentials?: HttpCredentials | undefined;
  /** The proxies that they go through. Default: none. */
  readonly httpProxies?: Pick<EnvironmentProxies, 'any' | 'proxyFor'> | undefined;
  /** Whom they trust over TLS. Default: those whom Node.js trusts. */
  readonly httpTrust?: (() => SecureContext) | undefined;
  /** How names are looked up. Default: as the system does it. */
  readonly lookup?: Lookup | undefined;
  /** What tells of calls and processes to a collector of traces. Default: nothing does. */
  readonly tracer?: Tracer | undefined;
  /** Default: those of `serverLimits` in `policy/principal-limits.ts`. */
  readonly limits?: Partial<Limits>;
  /** Default: the best that this machine offers. */
  readonly launcher?: Launcher;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Milliseconds between probes of a connection, and after the last answer. Default: 20,000. */
  readonly keepaliveMs?: number;
  /** Milliseconds that the answer to a probe may take. Default: 10,000. */
  readonly keepaliveTimeoutMs?: number;
  /** Milliseconds that a connection has for its first call that is let in. Default: 10,000. */
  readonly firstCallMs?: number;
  /** From which on no new work is to come, which readiness tells. Default: never. */
  readonly highWater?: HighWater | undefined;
  /**
   * Milliseconds that sessions may go on at shutdown, with nothing new begun, unless all of them
   * end before. Default: 0.
   */
  readonly drainMs?: number;
  /**
   * What becomes of processes meanwhile: they are let run (`wait`), or ended at once and what came
   * of them can be read (`terminate`). Default: `terminate`.
   */
  readonly drain?: DrainMode;
  /** Milliseconds between SIGTERM and SIGKILL at shutdown. Default: 5000. */
  readonly shutdownGraceMs?: number;
}
