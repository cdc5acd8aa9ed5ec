import { randomInt, randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { type Clock, idleClock, systemClock } from '../clock.ts';
import { ownEnvironment, ownWorkingDirectory } from '../environment/own-environment.ts';
import { type FileRecords, openFileRecords } from '../files/file-records.ts';
import { FileHelpers } from '../files/helper/file-helpers.ts';
import { helperStarter } from '../files/helper/start-in-sandbox.ts';
import { openRoots, type Root } from '../files/roots.ts';
import { FileWorkers } from '../files/workers/file-workers.ts';
import { threadLinks } from '../files/workers/thread-link.ts';
import { type Limits, MAX_STATS_NUMBER } from '../limits.ts';
import type { CheckedAddresses } from '../network/checked-addresses.ts';
import type { Dialer } from '../network/dialer.ts';
import type { Egress } from '../network/egress/egress.ts';
import type { ListenRules } from '../network/egress/listen-rules.ts';
import type { OwnListeners } from '../network/own-listeners.ts';
import { OutputStore, type StoreProblem } from '../output/output-store.ts';
import { openSpool, type Spool } from '../output/spool/spool.ts';
import {
  changeLimits,
  type PrincipalLimits,
  principalLimits,
  serverLimits,
} from '../policy/principal-limits.ts';
import { hasSeveralPrincipals } from '../policy/sole-principal.ts';
import { Tally } from '../policy/tally.ts';
import type { Launcher } from '../process/launcher.ts';
import { createLauncher } from '../process/launchers.ts';
import { machineUnits } from '../process/machine-units.ts';
import { ProcessHost } from '../process/process-host.ts';
import { scanProcesses } from '../process/process-scan.ts';
import { type FindUserSwitch, userSwitchFinder } from '../process/users/user-switch.ts';
import { Placeholders } from '../sandbox/placeholders.ts';
import { prepareSandbox } from '../sandbox/prepare-sandbox.ts';
import { openSandboxes, type Sandboxes } from '../sandbox/sandboxes.ts';
import { SessionRegistry } from '../session/session-registry.ts';
import { type Audit, logAudit } from '../telemetry/audit.ts';
import { auditEnds } from './audit-ends.ts';
import { type FollowedMark, followMark } from './high-water.ts';
import { type HttpWays, openNetwork } from './network.ts';
import { Readiness } from './readiness.ts';
import { logSandboxes } from './sandbox-log.ts';
import type { ServerLog } from './server-log.ts';
import type { ServerOptions } from './server-options.ts';
import { Stats } from './stats/stats.ts';

/** What a server does its work with, whoever asks for it and however. */
export interface Core {
  readonly clock: Clock;
  readonly limits: Limits;
  /** Has them be others from now on, as far as they are `LIVE_LIMITS`. */
  readonly changeLimits: (given: Partial<Limits>) => void;
  readonly audit: Audit;
  /** Whether new work is to come. */
  readonly readiness: Readiness;
  /** How many sessions are too many for more to come. */
  readonly sessionMark: FollowedMark;
  readonly principals: PrincipalLimits;
  /** Whether callers can be more than one. */
  readonly severalPrincipals: boolean;
  /** The calls under way of each principal. */
  readonly calls: Tally;
  readonly launcher: Launcher;
  readonly users: FindUserSwitch;
  readonly host: ProcessHost;
  readonly sessions: SessionRegistry;
  /** Tells what sessions and processes use. */
  readonly stats: Stats;
  /** Undefined: output is kept in memory alone. */
  readonly spool: Spool | undefined;
  /** What all retained output is in. */
  readonly store: OutputStore;
  /** The folders that files are confined to; none: they are not. */
  readonly roots: readonly Root[];
  /** What does operations on files. */
  readonly workers: FileWorkers;
  /** What does them inside of sandboxes. */
  readonly helpers: FileHelpers;
  /** Undefined: nothing is told of files that are not whole. */
  readonly records: FileRecords | undefined;
  readonly sandboxes: Sandboxes;
  /** What connects from the server's network to where the operator allows. */
  readonly dialer: Dialer;
  /** What the operator lets be reached, for connections that are made in another way. */
  readonly egress: Egress;
  /** What looks up and checks where such a connection may go. */
  readonly find: CheckedAddresses;
  /** Where callers may listen. */
  readonly listenRules: ListenRules;
  /** How requests of HTTP are sent. */
  readonly http: HttpWays;
  /** Where the server itself listens, which no connection may lead to. */
  readonly own: OwnListeners;
  /** The working directory where a spec names none. */
  readonly cwd: string;
  readonly newId: () => string;
}

/** Makes what a server with these options does its work with. */
export async function openCore(options: ServerOptions): Promise<Core> {
  const { logger, meter, policy } = options;
  const clock = options.clock ?? systemClock;
  const authenticators = options.listeners.flatMap(({ auth }) => auth);
  const severalPrincipals = hasSeveralPrincipals(authenticators);
  const limits = serverLimits(options.limits ?? {}, severalPrincipals);
  const principals = principalLimits(limits, policy && ((name) => policy.limitsOf(name)));
  const launcher = options.launcher ?? createLauncher();
  const readiness = new Readiness();
  const environment = options.environment ?? ownEnvironment(process.env);
  const users = userSwitchFinder(launcher, systemClock);
  const spool = await openOutputSpool(options.stateFolder, clock, logger);
  const store = new OutputStore({
    clock,
    spool,
    meter,
    memoryBytes: limits.outputMemoryBytes,
    diskBytes: limits.outputDiskBytes,
    shareOf(owner) {
      const { principalOutputDiskBytes, principalOutputMemoryBytes } = principals.of(owner);
      return { memoryBytes: principalOutputMemoryBytes, diskBytes: principalOutputDiskBytes };
    },
    onProblem(problem) {
      if (problem.kind === 'spool-recovered') readiness.set('output-files', false);
      logProblem(logger, problem);
    },
    onWriteFailed: () => readiness.set('output-files', true),
  });
  const newId = (): string => randomUUID();
  const cwd = options.cwd ?? workingFolder();
  const roots = openRoots(options.fileRoots ?? []);
  const records = await openFileRecords(options.stateFolder);
  const underWay = new Tally();
  const ofFiles = {
    // The time of the machine, not of the processes.
    clock: idleClock,
    underWay,
    onError: (err: unknown) =>
      logger.error({ err }, 'an operation on files failed by a fault of ours'),
  };
  const workers = new FileWorkers({
    ...ofFiles,
    open: threadLinks({ roots, records: records?.folder }),
  });
  const placeholders = new Placeholders(workers, (err) => {
    logger.warn({ err }, 'what kept a path from being made in a sandbox could not be removed');
  });
  const sandboxes = openSandboxes({
    launcher,
    profiles: options.sandboxProfiles,
    required: options.requireSandbox,
    prepare: (spec, asked) =>
      prepareSandbox(spec, { ...asked, workers, placeholders, hidden: ownPaths(options) }),
    onFound: (found) => logSandboxes(logger, found),
  });
  const started = { environment, store, users, sandboxes };
  const host = new ProcessHost({ launcher, clock, limits, principals, meter, ...started });
  const audit = options.audit ?? logAudit(logger);
  const onEnded = auditEnds(audit);
  audit.follow?.((writable) => readiness.set('audit', !writable));
  const sessionMark = followMark(readiness, 'sessions', options.highWater?.sessions ?? Infinity);
  const ofSessions = { host, clock, limits, principals, newId };
  const sessions = new SessionRegistry({
    ...ofSessions,
    onEnded,
    onCount: (count) => sessionMark.tell(count),
  });
  const calls = new Tally();
  const stats = new Stats({
    ...{ clock, host, sessions, calls },
    units: machineUnits(),
    scan: scanProcesses,
    newNumber: () => randomInt(MAX_STATS_NUMBER),
  });
  const start = helperStarter({ launcher, sandboxes, roots });
  const helpers = new FileHelpers({ ...ofFiles, start, threads: workers });
  if (records !== undefined) {
    // In the background: a folder of theirs may be on a mount that hangs.
    void records.sweep(workers, (err) => {
      logger.warn({ err }, 'what an earlier server left of a file could not be removed');
    });
  }
  const network = openNetwork(options, severalPrincipals);
  const ways = { launcher, users, workers, helpers, sandboxes };
  const kept = { audit, readiness, records, sessionMark, spool, store };
  return {
    ...ways,
    ...kept,
    ...network,
    clock,
    limits,
    changeLimits: (given) => changeLimits(limits, serverLimits(given, severalPrincipals)),
    principals,
    severalPrincipals,
    calls,
    host,
    sessions,
    stats,
    roots,
    cwd,
    newId,
  };
}

/** Ours. Where it was removed, those that need it are told of its name, and others do without. */
function workingFolder(): string {
  try {
    return ownWorkingDirectory();
  } catch {
    return process.env['PWD'] ?? '/';
  }
}

/** What no sandbox shows: who reaches it could ask for what the sandbox does not allow. */
function ownPaths({ audit, listeners, stateFolder }: ServerOptions): readonly string[] {
  const sockets = listeners.flatMap(({ address }) =>
    address.kind === 'unix' ? [resolve(address.path)] : [],
  );
  const folders = stateFolder === undefined ? [] : [resolve(stateFolder)];
  return [...sockets, ...folders, ...(audit?.path === undefined ? [] : [audit.path])];
}

function openOutputSpool(
  stateFolder: string | undefined,
  clock: Clock,
  logger: ServerLog,
): Promise<Spool> | undefined {
  if (stateFolder === undefined) return undefined;
  return openSpool({
    stateFolder,
    clock,
    onProblem: (err) => logger.warn({ err }, 'a file of old output could not be removed'),
  });
}

function logProblem(logger: ServerLog, problem: StoreProblem): void {
  if (problem.kind === 'spool-recovered') {
    logger.info('output is written to files again');
  } else {
    logger.warn({ err: problem.error }, 'output cannot be kept in files; some may be dropped');
  }
}
