import type { Address } from '../address.ts';
import type { JwtAlgorithm } from '../identity/jwt/algorithms.ts';
import type { AuthKind } from '../identity/principal.ts';
import type { LauncherName } from '../process/launchers.ts';
import type { ListenSpec, PassedPlace } from './listen-spec.ts';
import type { AuditServeFlags } from './serve-audit-options.ts';
import type { CommandServeFlags } from './serve-command-options.ts';
import type { MetricsServeFlags } from './serve-metrics-options.ts';
import type { NetworkServeFlags } from './serve-network-options.ts';
import type { PrincipalFlags } from './serve-principals.ts';
import type { ReadinessServeFlags } from './serve-readiness-options.ts';
import type { SandboxServeFlags } from './serve-sandbox-options.ts';
import type { TlsFlags } from './tls-options.ts';

/** The flags of `runlet serve`. */
export interface ServeFlags
  extends AuditServeFlags,
    CommandServeFlags,
    MetricsServeFlags,
    NetworkServeFlags,
    PrincipalFlags,
    ReadinessServeFlags,
    SandboxServeFlags,
    TlsFlags {
  readonly listen?: readonly ListenSpec<Address | PassedPlace>[];
  readonly auth?: readonly AuthKind[];
  readonly allowUid?: readonly number[];
  readonly allowInsecure?: boolean;
  readonly jwks?: string;
  readonly jwtIssuer?: string;
  readonly jwtAudience?: readonly string[];
  readonly jwtAlgorithm?: readonly JwtAlgorithm[];
  readonly tokenFile?: string;
  /** The file of the policy. */
  readonly policy?: string;
  readonly socketMode?: number;
  readonly launcher?: LauncherName;
  readonly cwd?: string;
  /** Folders, by absolute paths. */
  readonly fileRoot?: readonly string[];
  readonly logLevel: string;
  readonly retention: number;
  readonly retainedBytes: number;
  readonly maxRetainedBytes: number;
  readonly outputMemory: number;
  readonly outputDisk: number;
  readonly stateDir?: string;
  readonly maxSessions: number;
  readonly maxProcesses: number;
  readonly detachedTtl: number;
  readonly minDetachedTtl: number;
  readonly maxDetachedTtl: number;
  readonly heartbeat: number;
  readonly keepalive: number;
  readonly keepaliveTimeout: number;
  readonly grace: number;
}
