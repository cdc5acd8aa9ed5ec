import { dirname } from 'node:path';
import { type Address, defaultAddress, formatAddress } from '../address.ts';
import { Latch } from '../latch.ts';
import { DEFAULT_LIMITS, FAULT_EXIT_MS, type Limits, SANDBOX_TRY_MS } from '../limits.ts';
import { ensurePrivateFolder } from '../private-folder.ts';
import { createLauncher } from '../process/launchers.ts';
import { exitAtOnce } from '../process/native/exit-at-once.ts';
import { startServer } from '../server/server.ts';
import type { ServerLog } from '../server/server-log.ts';
import { type SystemdVariables, takeSystemdVariables } from '../systemd/variables.ts';
import type { Meter } from '../telemetry/meter.ts';
import { FAILURE_EXIT_CODE } from './exit-codes.ts';
import { tuneHeapGrowth } from './heap-growth.ts';
import { plainListener } from './listen-spec.ts';
import { createLogger } from './logger.ts';
import { inheritedVariables } from './own-bytes.ts';
import { placesOf } from './passed-listeners.ts';
import { endPredecessors, recordInState } from './predecessors.ts';
import { printLine } from './print.ts';
import { Reloads } from './reloads.ts';
import type { ServedAudit } from './serve-audit.ts';
import { asksForAudit } from './serve-audit-options.ts';
import type { ServeFlags } from './serve-flags.ts';
import type { ServedHttp } from './serve-http.ts';
import { serveListeners } from './serve-listeners.ts';
import type { PlacedMetricsFlags, ServedMetrics } from './serve-metrics.ts';
import { namesProxy } from './serve-network-options.ts';
import type { ServedPolicy } from './serve-policy.ts';
import { principalLimitsOf } from './serve-principals.ts';
import { checkReadiness } from './serve-readiness-options.ts';
import type { ServedProfiles } from './serve-sandboxes.ts';
import type { ServedNotices } from './serve-systemd.ts';
import { serveTracing } from './serve-tracing.ts';
import { hasTerminal, takeServerSignals } from './server-signals.ts';
import { startedWith, wasIgnored } from './started-with.ts';
import { usableStateFolder } from './state-folder.ts';
import { logStrayOutput } from './stray-output.ts';
import { takeUncaught } from './uncaught.ts';
import { UsageError } from './usage-error.ts';

/**
 * Serves until a signal asks for the end, and ends this program.
 *
 * @throws Error if an address may not or cannot be listened at
 */
export async function serve(flags: ServeFlags): Promise<void> {
  // Before anything else has them, and before anything is begun where they make no sense.
  const systemd = takeSystemdVariables(process.env);
  const { listen, ...places } = placesOf(flags, systemd, process.pid);
  const specs = listen ?? [plainListener(await privateAddress())];
  const ttls = ttlLimits(flags);
  checkReadiness(flags);
  const { flush, logger } = createLogger(flags.logLevel);
  const listeners = await serveListeners(specs, flags, logger);
  const policy = await policyOf(flags, logger);
  const profiles = await profilesOf(flags, logger);
  const http = await httpOf(flags, logger);
  const tracer = await serveTracing(process.env, logger);
  const reloads = new Reloads(logger);
  const notices = await noticesOf(systemd, logger);
  const { metricsTokenFile } = flags;
  const metrics = await metricsOf(
    { ...places, metricsTokenFile },
    logger,
    reloads,
    tracer !== undefined,
  );
  logStrayOutput(logger);
  tuneHeapGrowth();
  // From the start: one that comes while the server starts ends it in order too.
  const ending = new Latch();
  const hurried = new Latch();
  takeServerSignals({
    end: (signal) => {
      logger.info({ signal }, 'signal');
      ending.open();
    },
    hurry: (signal) => {
      logger.warn({ signal }, 'signal: what still runs is killed');
      hurried.open();
    },
    reload: (signal) => {
      logger.info({ signal }, 'signal: what can be is read again');
      const run = (): Promise<void> => reloads.run();
      void (notices?.reload(run) ?? run());
    },
    ignored: (signal) => logger.info({ signal }, 'signal ignored'),
    endsByHangup: hasTerminal(),
    wasIgnored,
  });
  const audit = await auditOf(flags, logger, reloads, metrics?.meter);
  let isAtFault = false;
  takeUncaught(logger, () => {
    isAtFault = true;
    process.exitCode = FAILURE_EXIT_CODE;
    ending.open();
    // Whatever is at fault may keep the server from ending in order.
    const waitMs = flags.grace * 1000 + FAULT_EXIT_MS;
    setTimeout(() => process.exit(), waitMs).unref();
  });
  const limits: Partial<Limits> = {
    defaultRetentionMs: flags.retention * 1000,
    maxRetentionMs: Math.max(DEFAULT_LIMITS.maxRetentionMs, flags.retention * 1000),
    defaultRetainedBytes: flags.retainedBytes,
    maxRetainedBytes: Math.max(flags.maxRetainedBytes, flags.retainedBytes),
    outputMemoryBytes: flags.outputMemory,
    outputDiskBytes: flags.outputDisk,
    maxSessions: flags.maxSessions,
    maxProcesses: flags.maxProcesses,
    heartbeatMs: flags.heartbeat * 1000,
    tunnelIdleMs: flags.tunnelIdleTimeout * 1000,
    ...ttls,
    ...principalLimitsOf(flags),
  };
  const stateFolder = await usableStateFolder(flags.stateDir, process.env, logger);
  const launcher = createLauncher(flags.launcher, startedWith());
  exitAtOnce();
  const record = await recordInState(stateFolder, launcher, logger);
  const graceMs = flags.grace * 1000;
  const server = await startServer({
    listeners,
    logger,
    meter: metrics?.meter,
    limits,
    environment: inheritedVariables(),
    launcher,
    keepaliveMs: flags.keepalive * 1000,
    keepaliveTimeoutMs: flags.keepaliveTimeout * 1000,
    highWater: flags.highWater,
    drain: flags.drain,
    drainMs: flags.drainTimeout * 1000,
    shutdownGraceMs: graceMs,
    policy: policy?.live,
    audit: audit?.audit,
    fileRoots: flags.fileRoot ?? [],
    sandboxProfiles: profiles && (() => profiles.current),
    requireSandbox: flags.requireSandbox,
    egressAllow: flags.egressAllow,
    egressDeny: flags.egressDeny,
    allowListen: flags.allowListen,
    tracer,
    ...http?.options,
    ...(flags.cwd === undefined ? {} : { cwd: flags.cwd }),
    ...(stateFolder === undefined || flags.outputDisk === 0 ? {} : { stateFolder }),
  }).catch((error: unknown) => {
    record?.remove();
    metrics?.close();
    throw error;
  });
  metrics?.serves(server, () => server.readiness.current);
  try {
    for (const address of server.addresses) {
      await printLine(`runlet listening on ${formatAddress(address)}`);
    }
    if (metrics !== undefined) await printLine(`runlet metrics on ${metrics.where}`);
    await audit?.begin();
    notices?.serves(server);
  } catch (error) {
    // Whoever was to be told does not know where it is.
    await server.shutdown();
    record?.remove();
    throw error;
  }
  // One that is there for a command alone has better to do.
  const trying = setTimeout(() => server.trySandboxes(), SANDBOX_TRY_MS).unref();
  const predecessors = endPredecessors({ stateFolder, launcher, log: logger, graceMs });
  await ending.wait();
  clearTimeout(trying);
  notices?.stopping((isAtFault ? 0 : flags.drainTimeout * 1000) + graceMs + FAULT_EXIT_MS);
  const stopped = Promise.all([
    server.shutdown({ waits: !isAtFault }),
    predecessors.settle(graceMs),
  ]);
  void hurried.wait().then(() => {
    server.hurry();
    void predecessors.settle(0);
  });
  await stopped;
  await tracer?.close();
  policy?.close();
  profiles?.close();
  http?.close();
  metrics?.close();
  record?.remove();
  await audit?.close();
  await flush();
  notices?.close();
  process.exit();
}

/** What few servers have is loaded where it is asked for. */
async function policyOf(flags: ServeFlags, logger: ServerLog): Promise<ServedPolicy | undefined> {
  if (flags.policy === undefined) return undefined;
  const { servePolicy } = await import('./serve-policy.ts');
  return servePolicy(flags.policy, logger);
}

async function auditOf(
  flags: ServeFlags,
  logger: ServerLog,
  reloads: Reloads,
  meter: Meter | undefined,
): Promise<ServedAudit | undefined> {
  if (!asksForAudit(flags)) return undefined;
  const { serveAudit } = await import('./serve-audit.ts');
  return serveAudit(flags, logger, reloads, meter);
}

async function profilesOf(
  { sandboxProfiles }: ServeFlags,
  logger: ServerLog,
): Promise<ServedProfiles | undefined> {
  if (sandboxProfiles === undefined) return undefined;
  const { serveProfiles } = await import('./serve-sandboxes.ts');
  return serveProfiles(sandboxProfiles, logger);
}

async function httpOf(flags: ServeFlags, logger: ServerLog): Promise<ServedHttp | undefined> {
  const isPlain = flags.httpCredential === undefined && flags.httpCa === undefined;
  if (isPlain && !(flags.httpProxy && namesProxy(process.env))) return undefined;
  const { serveHttp } = await import('./serve-http.ts');
  return serveHttp(flags, process.env, logger);
}

async function noticesOf(
  variables: SystemdVariables,
  logger: ServerLog,
): Promise<ServedNotices | undefined> {
  const { NOTIFY_SOCKET: where = '' } = variables;
  if (where === '') return undefined;
  const { serveNotices } = await import('./serve-systemd.ts');
  return serveNotices(where, variables, logger);
}

async function metricsOf(
  flags: PlacedMetricsFlags,
  logger: ServerLog,
  reloads: Reloads,
  exemplars: boolean,
): Promise<ServedMetrics | undefined> {
  if (flags.metrics === undefined && flags.metricsTokenFile === undefined) return undefined;
  const { serveMetrics } = await import('./serve-metrics.ts');
  return serveMetrics(flags, logger, reloads, exemplars);
}

/** The range of `detached_ttl`, which the default must lie in. */
function ttlLimits(flags: ServeFlags): Partial<Limits> {
  const { detachedTtl, maxDetachedTtl, minDetachedTtl } = flags;
  if (minDetachedTtl > detachedTtl || detachedTtl > maxDetachedTtl) {
    throw new UsageError(
      '--detached-ttl must lie between --min-detached-ttl and --max-detached-ttl',
    );
  }
  return {
    minDetachedTtlMs: minDetachedTtl * 1000,
    defaultDetachedTtlMs: detachedTtl * 1000,
    maxDetachedTtlMs: maxDetachedTtl * 1000,
  };
}

/** The default address, in a folder that is this user's alone. */
async function privateAddress(): Promise<Address> {
  const address = defaultAddress(process.env);
  await ensurePrivateFolder(dirname(address.path));
  return address;
}
