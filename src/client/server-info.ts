import type {
  Caller,
  GetServerInfoResponse,
  SandboxCapability as SandboxCapabilityMessage,
} from '../gen/runlet/v1/server_pb.ts';
import { dateOf, msOf } from './process-info.ts';

/** What a server enforces. Zero: it did not say. */
export interface ServerLimits {
  readonly maxSessions: number;
  readonly maxProcesses: number;
  readonly maxRequestBytes: number;
  readonly maxRetainedBytes: number;
  readonly defaultRetainedBytes: number;
  readonly maxRetentionMs: number;
  readonly defaultRetentionMs: number;
  readonly heartbeatIntervalMs: number;
  readonly minDetachedTtlMs: number;
  readonly maxDetachedTtlMs: number;
  readonly defaultDetachedTtlMs: number;
  /** Calls under way of one connection. */
  readonly maxConnectionStreams: number;
  readonly maxConnections: number;
  /** Connections over which nobody who is let in has called so far. */
  readonly maxUnspokenConnections: number;
  readonly maxHeaderBytes: number;
  /** Readers of one process at one time. */
  readonly maxProcessWatchers: number;
  /** Bytes of a command line, as it is encoded. */
  readonly maxArgvBytes: number;
  /** Bytes of the variables of a spec. */
  readonly maxEnvBytes: number;
  /** Bytes of stdin that may wait for one process. */
  readonly maxQueuedStdinBytes: number;
  /** Bytes of memory, and of files, that the output of all processes may take. */
  readonly outputMemoryBytes: number;
  readonly outputDiskBytes: number;
  /** What this caller may have at one time of what the server has. */
  readonly maxPrincipalSessions: number;
  readonly maxPrincipalProcesses: number;
  /** Calls under way. */
  readonly maxPrincipalStreams: number;
  /** Bytes of stdin that may wait for all of its processes. */
  readonly maxPrincipalStdinBytes: number;
  readonly principalOutputMemoryBytes: number;
  readonly principalOutputDiskBytes: number;
  /** Zero: any number. */
  readonly maxPrincipalStartsPerSecond: number;
  /** Uploads of one session that are not finished, and finished ones that it remembers. */
  readonly maxSessionUploads: number;
  /** Files of one walk. */
  readonly maxWalkEntries: number;
  /** Folders that all calls of one caller may watch. */
  readonly maxPrincipalWatchedDirectories: number;
  /** Calls on files that may hang at one time, on a mount whose server is gone for example. */
  readonly maxStuckFileOperations: number;
  /** Operations on files of one caller under way: unfinished uploads, and streams of files. */
  readonly maxPrincipalFileOperations: number;
  /** Rules of a sandbox. */
  readonly maxSandboxRules: number;
  /** Calls of `watchStats` of one caller under way. Zero: the server cannot be watched. */
  readonly maxPrincipalStatsStreams: number;
  /** What its `intervalMs` may be. */
  readonly minStatsIntervalMs: number;
  readonly maxStatsIntervalMs: number;
}

/** What a server can do with files. */
export interface FilesCapability {
  /** Whether it can do anything with them: on Linux alone, and not by every version. */
  readonly supported: boolean;
  /** How paths are kept inside of `roots`: `openat2`, or `descriptors`. */
  readonly confinement: string;
  /** The only folders that can be used. Empty: what the user of the server may. */
  readonly roots: readonly string[];
}

/** What a server can do with HTTP. */
export interface HttpCapability {
  /** Whether `session.fetch` can be used: not with every version. */
  readonly supported: boolean;
  /** The versions that it speaks with others: `1.1`, `2`. */
  readonly versions: readonly string[];
  /** The names of the credentials that the operator has configured. */
  readonly credentials: readonly string[];
  /** Whether requests go through a proxy of the operator's. */
  readonly proxied: boolean;
}

/** What a server can do with connections. */
export interface TunnelCapability {
  /** Whether `session.connect` and `session.listen` can be used: not with every version. */
  readonly supported: boolean;
  /** Whether `processId` leads into the network of a process in a sandbox. */
  readonly namespaces: boolean;
  /** Whether sockets of the file system can be reached. */
  readonly unixSockets: boolean;
}

/** Whether a part of sandboxes was seen to work when a server started. */
export interface SandboxProbe {
  /** The part: `files` for example. */
  readonly name: string;
  readonly works: boolean;
  /** What failed; empty: nothing. */
  readonly step: string;
  /** The name of the system's error: `EPERM`. Empty: it is none of the system. */
  readonly errnoName: string;
}

/** What a server can do to keep processes and calls about files within bounds. */
export interface SandboxCapability {
  /** What enforces them: `bubblewrap`. Empty: nothing can, and what asks for one is refused. */
  readonly mechanism: string;
  readonly version: string;
  readonly probes: readonly SandboxProbe[];
  /** The names of the profiles that there are. */
  readonly profiles: readonly string[];
  /** Whether nothing is done without a sandbox. */
  readonly required: boolean;
}

/** Who calls, as a server knows it by the credentials of a call. */
export interface CallerInfo {
  /** `token:ci`, `peer:1000`: sessions belong to the name that created them. Empty: not told. */
  readonly name: string;
  /** What it may do: `start`, `observe`. */
  readonly grants: readonly string[];
  /** When its credentials are over; undefined: never. */
  readonly expireTime: Date | undefined;
  /** The only session that it may use; undefined: all of its own. */
  readonly sessionId: string | undefined;
}

/** The machine of a server. Zero: it did not say, or nothing bounds it. */
export interface ServerPlatform {
  /** As Node.js names them: `linux`, `x64`. */
  readonly os: string;
  readonly arch: string;
  /** Files that the server may have open: three for each process that runs, and others. */
  readonly maxOpenFiles: number;
  /** Processes and threads that there may be. */
  readonly maxProcesses: number;
  /** Bytes of memory for the server and all that it starts. */
  readonly memoryBytes: number;
}

/** What a server is and allows. */
export interface ServerInfo {
  readonly version: string;
  readonly platform: ServerPlatform;
  readonly defaultShell: string;
  readonly home: string;
  readonly workingDirectory: string;
  readonly limits: ServerLimits;
  readonly capabilities: {
    readonly launcher: string;
    readonly terminals: boolean;
    readonly limits: boolean;
    readonly mergeStderr: boolean;
    /** Whether arguments, variables and folders of processes may be other bytes than UTF-8. */
    readonly bytes: boolean;
    /** Whether processes can run as other users of its machine. */
    readonly users: boolean;
    /** What `session.files` can do. */
    readonly files: FilesCapability;
    /** Undefined: the server is of a version that has no sandboxes. */
    readonly sandbox: SandboxCapability | undefined;
    /** What `session.fetch` can do. */
    readonly http: HttpCapability;
    /** What `session.connect` and `session.listen` can do. */
    readonly tunnels: TunnelCapability;
  };
  /** Undefined: the server is of a version that does not tell. */
  readonly caller: CallerInfo | undefined;
}

/** What a server that says nothing of its heartbeats is taken to do. */
const DEFAULT_HEARTBEAT_MS = 15_000;

/** What a server is, of its message. @internal */
export function serverInfo(message: GetServerInfoResponse): ServerInfo {
  const { capabilities, limits, platform } = message;
  return {
    version: message.version,
    platform: {
      os: platform?.os ?? '',
      arch: platform?.arch ?? '',
      maxOpenFiles: Number(platform?.maxOpenFiles ?? 0n),
      maxProcesses: Number(platform?.maxProcesses ?? 0n),
      memoryBytes: Number(platform?.memoryBytes ?? 0n),
    },
    defaultShell: message.defaultShell,
    home: message.home,
    workingDirectory: message.workingDirectory,
    limits: {
      maxSessions: limits?.maxSessions ?? 0,
      maxProcesses: limits?.maxProcesses ?? 0,
      maxRequestBytes: limits?.maxRequestBytes ?? 0,
      maxRetainedBytes: Number(limits?.maxRetainedBytes ?? 0n),
      defaultRetainedBytes: Number(limits?.defaultRetainedBytes ?? 0n),
      maxRetentionMs: msOf(limits?.maxRetention) ?? 0,
      defaultRetentionMs: msOf(limits?.defaultRetention) ?? 0,
      heartbeatIntervalMs: msOf(limits?.heartbeatInterval) ?? DEFAULT_HEARTBEAT_MS,
      minDetachedTtlMs: msOf(limits?.minDetachedTtl) ?? 0,
      maxDetachedTtlMs: msOf(limits?.maxDetachedTtl) ?? Number.POSITIVE_INFINITY,
      defaultDetachedTtlMs: msOf(limits?.defaultDetachedTtl) ?? 0,
      maxConnectionStreams: limits?.maxConnectionStreams ?? 0,
      maxConnections: limits?.maxConnections ?? 0,
      maxUnspokenConnections: limits?.maxUnspokenConnections ?? 0,
      maxHeaderBytes: limits?.maxHeaderBytes ?? 0,
      maxProcessWatchers: limits?.maxProcessWatchers ?? 0,
      maxArgvBytes: limits?.maxArgvBytes ?? 0,
      maxEnvBytes: limits?.maxEnvBytes ?? 0,
      maxQueuedStdinBytes: limits?.maxQueuedStdinBytes ?? 0,
      outputMemoryBytes: Number(limits?.outputMemoryBytes ?? 0n),
      outputDiskBytes: Number(limits?.outputDiskBytes ?? 0n),
      maxPrincipalSessions: limits?.maxPrincipalSessions ?? 0,
      maxPrincipalProcesses: limits?.maxPrincipalProcesses ?? 0,
      maxPrincipalStreams: limits?.maxPrincipalStreams ?? 0,
      maxPrincipalStdinBytes: Number(limits?.maxPrincipalStdinBytes ?? 0n),
      principalOutputMemoryBytes: Number(limits?.principalOutputMemoryBytes ?? 0n),
      principalOutputDiskBytes: Number(limits?.principalOutputDiskBytes ?? 0n),
      maxPrincipalStartsPerSecond: limits?.maxPrincipalStartsPerSecond ?? 0,
      maxSessionUploads: limits?.maxSessionUploads ?? 0,
      maxWalkEntries: Number(limits?.maxWalkEntries ?? 0n),
      maxPrincipalWatchedDirectories: limits?.maxPrincipalWatchedDirectories ?? 0,
      maxStuckFileOperations: limits?.maxStuckFileOperations ?? 0,
      maxPrincipalFileOperations: limits?.maxPrincipalFileOperations ?? 0,
      maxSandboxRules: limits?.maxSandboxRules ?? 0,
      maxPrincipalStatsStreams: limits?.maxPrincipalStatsStreams ?? 0,
      minStatsIntervalMs: msOf(limits?.minStatsInterval) ?? 0,
      maxStatsIntervalMs: msOf(limits?.maxStatsInterval) ?? 0,
    },
    capabilities: {
      launcher: capabilities?.launcher ?? '',
      terminals: capabilities?.terminals ?? false,
      limits: capabilities?.limits ?? false,
      mergeStderr: capabilities?.mergeStderr ?? false,
      bytes: capabilities?.bytes ?? false,
      users: capabilities?.users ?? false,
      files: {
        supported: capabilities?.files?.supported ?? false,
        confinement: capabilities?.files?.confinement ?? '',
        roots: capabilities?.files?.roots ?? [],
      },
      sandbox: sandboxCapability(capabilities?.sandbox),
      http: {
        supported: capabilities?.http?.supported ?? false,
        versions: capabilities?.http?.versions ?? [],
        credentials: capabilities?.http?.credentials ?? [],
        proxied: capabilities?.http?.proxied ?? false,
      },
      tunnels: {
        supported: capabilities?.tunnels?.supported ?? false,
        namespaces: capabilities?.tunnels?.namespaces ?? false,
        unixSockets: capabilities?.tunnels?.unixSockets ?? false,
      },
    },
    caller: message.caller === undefined ? undefined : callerInfo(message.caller),
  };
}

function sandboxCapability(
  message: SandboxCapabilityMessage | undefined,
): SandboxCapability | undefined {
  if (message === undefined) return undefined;
  const { mechanism, probes, profiles, required, version } = message;
  return {
    mechanism,
    version,
    probes: probes.map(({ errnoName, name, step, works }) => ({ name, works, step, errnoName })),
    profiles,
    required,
  };
}

function callerInfo({ expireTime, grants, name, sessionId }: Caller): CallerInfo {
  return {
    name,
    grants,
    expireTime: dateOf(expireTime),
    sessionId: sessionId === '' ? undefined : sessionId,
  };
}
