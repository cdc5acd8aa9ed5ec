import { type UserInfo, userInfo } from 'node:os';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '../../bridge/types.ts';
import type { Root } from '../../files/roots.ts';
import { type ServerService, TreeTracking } from '../../gen/runlet/v1/server_pb.ts';
import { GRANTS } from '../../identity/grants.ts';
import {
  MAX_HTTP_HEADER_BYTES,
  MAX_PRINCIPAL_FILE_OPERATIONS,
  MAX_PRINCIPAL_SANDBOX_HELPERS,
  MAX_PRINCIPAL_STATS_STREAMS,
  MAX_PRINCIPAL_WATCHED,
  MAX_SANDBOX_RULES,
  MAX_SESSION_HTTP_REQUESTS,
  MAX_SESSION_LISTENERS,
  MAX_SESSION_TUNNELS,
  MAX_SESSION_UPLOADS,
  MAX_STATS_INTERVAL_MS,
  MAX_STUCK_WORKERS,
  MAX_WALK_ENTRIES,
  MIN_STATS_INTERVAL_MS,
} from '../../limits.ts';
import { UNACKNOWLEDGED_BYTES } from '../../output/sizes.ts';
import type { PrincipalLimits } from '../../policy/principal-limits.ts';
import type { Launcher } from '../../process/launcher.ts';
import type { FindUserSwitch } from '../../process/users/user-switch.ts';
import type { Sandboxes } from '../../sandbox/sandboxes.ts';
import { shownText } from '../../system-text.ts';
import { VERSION } from '../../version.ts';
import { callerOf } from '../caller.ts';
import type { HttpWays } from '../network.ts';
import { platformOfThis } from '../platform.ts';
import { sandboxCapability } from '../sandbox-capability.ts';
import { tunnelCapability } from '../tunnel-capability.ts';
import { type FilesCapability, filesCapability } from './file/files-capability.ts';
import { type WatchStatsOptions, watchStats } from './watch-stats.ts';

const TREE_TRACKINGS = {
  parents: TreeTracking.PARENTS,
  subreaper: TreeTracking.SUBREAPER,
  cgroup: TreeTracking.CGROUP,
} as const satisfies Record<Launcher['tree'], TreeTracking>;

/** What the service is made with: what `GetServerInfo` tells beside what the machine says, and more. */
export interface ServerFacts extends WatchStatsOptions {
  readonly cwd: string;
  readonly principals: PrincipalLimits;
  readonly launcher: Launcher;
  /** Whether output can go to files. */
  readonly keepsFiles: boolean;
  /** The folders that files are confined to. */
  readonly roots: readonly Root[];
  readonly sandboxes: Sandboxes;
  /** How requests of HTTP are sent. */
  readonly http: HttpWays;
  /** How processes become users of the machine. */
  readonly users: FindUserSwitch;
}

/** `ServerService`. */
export function serverService(facts: ServerFacts): ServiceImpl<typeof ServerService> {
  const { cwd, http, keepsFiles, launcher, limits, principals, roots, sandboxes, users } = facts;
  // Found out by trying, by whoever asks first.
  let files: FilesCapability | undefined;
  let platform: ReturnType<typeof platformOfThis> | undefined;
  const user = currentUser();
  const defaultShell = user?.shell ?? '/bin/sh';
  const home = process.env['HOME'] ?? user?.homedir ?? '/';
  return {
    ...watchStats(facts),

    async getServerInfo(_request, context) {
      const { expiry, grants, name, sessionId } = callerOf(context);
      const own = principals.of(name);
      files ??= filesCapability(roots);
      platform ??= platformOfThis();
      return {
        version: VERSION,
        platform,
        defaultShell,
        home,
        workingDirectory: shownText(cwd),
        limits: {
          maxSessions: limits.maxSessions,
          maxProcesses: limits.maxProcesses,
          maxDescriptionBytes: BigInt(limits.maxDescriptionBytes),
          maxRequestBytes: limits.maxRequestBytes,
          maxQueuedStdinBytes: limits.maxQueuedStdinBytes,
          maxRetainedBytes: BigInt(limits.maxRetainedBytes),
          defaultRetainedBytes: BigInt(limits.defaultRetainedBytes),
          maxRetention: durationFromMs(limits.maxRetentionMs),
          defaultRetention: durationFromMs(limits.defaultRetentionMs),
          maxReadWait: durationFromMs(limits.maxReadWaitMs),
          heartbeatInterval: durationFromMs(limits.heartbeatMs),
          minDetachedTtl: durationFromMs(limits.minDetachedTtlMs),
          maxDetachedTtl: durationFromMs(limits.maxDetachedTtlMs),
          defaultDetachedTtl: durationFromMs(limits.defaultDetachedTtlMs),
          maxQueuedSessionEvents: limits.maxQueuedSessionEvents,
          outputMemoryBytes: BigInt(limits.outputMemoryBytes),
          outputDiskBytes: BigInt(keepsFiles ? limits.outputDiskBytes : 0),
          unacknowledgedBytes: BigInt(UNACKNOWLEDGED_BYTES),
          maxPrincipalSessions: own.maxPrincipalSessions,
          maxPrincipalProcesses: own.maxPrincipalProcesses,
          maxConnectionStreams: limits.maxConnectionStreams,
          maxPrincipalStreams: own.maxPrincipalStreams,
          maxProcessWatchers: limits.maxProcessWatchers,
          maxConnections: limits.maxConnections,
          maxUnspokenConnections: limits.maxUnspokenConnections,
          maxHeaderBytes: limits.maxHeaderBytes,
          maxArgvBytes: limits.maxArgvBytes,
          maxEnvBytes: limits.maxEnvBytes,
          maxPrincipalStdinBytes: BigInt(own.maxPrincipalStdinBytes),
          principalOutputMemoryBytes: BigInt(own.principalOutputMemoryBytes),
          principalOutputDiskBytes: BigInt(keepsFiles ? own.principalOutputDiskBytes : 0),
          maxPrincipalStartsPerSecond: own.maxPrincipalStartsPerSecond,
          maxSessionUploads: MAX_SESSION_UPLOADS,
          maxWalkEntries: BigInt(MAX_WALK_ENTRIES),
          maxPrincipalWatchedDirectories: MAX_PRINCIPAL_WATCHED,
          maxStuckFileOperations: MAX_STUCK_WORKERS,
          maxPrincipalFileOperations: MAX_PRINCIPAL_FILE_OPERATIONS,
          maxSandboxRules: MAX_SANDBOX_RULES,
          maxPrincipalSandboxHelpers: MAX_PRINCIPAL_SANDBOX_HELPERS,
          maxSessionTunnels: MAX_SESSION_TUNNELS,
          maxSessionListeners: MAX_SESSION_LISTENERS,
          tunnelIdleTimeout: durationFromMs(limits.tunnelIdleMs),
          maxSessionHttpRequests: MAX_SESSION_HTTP_REQUESTS,
          maxHttpHeaderBytes: MAX_HTTP_HEADER_BYTES,
          maxPrincipalStatsStreams: MAX_PRINCIPAL_STATS_STREAMS,
          minStatsInterval: durationFromMs(MIN_STATS_INTERVAL_MS),
          maxStatsInterval: durationFromMs(MAX_STATS_INTERVAL_MS),
        },
        capabilities: {
          launcher: launcher.name,
          terminals: launcher.terminals,
          limits: launcher.limits,
          mergeStderr: launcher.mergesStderr,
          bytes: launcher.bytes,
          users: (await users())?.others === true,
          treeTracking: TREE_TRACKINGS[launcher.tree],
          files,
          sandbox: await sandboxCapability(sandboxes),
          http: {
            supported: true,
            versions: ['1.1', '2'],
            credentials: [...(http.credentials?.names() ?? [])],
            proxied: http.isProxied,
          },
          tunnels: await tunnelCapability(sandboxes, files),
        },
        caller: {
          name,
          grants: GRANTS.filter((grant) => grants.has(grant)),
          ...(Number.isFinite(expiry) ? { expireTime: timestampFromMs(expiry) } : {}),
          sessionId: sessionId ?? '',
        },
      };
    },
  };
}

/** The user's entry in the user database, which a container need not have. */
function currentUser(): UserInfo<string> | undefined {
  try {
    return userInfo();
  } catch {
    return undefined;
  }
}
