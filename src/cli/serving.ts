import { dirname } from 'node:path';
import { defaultAddress, formatAddress } from '../address.ts';
import { Latch } from '../latch.ts';
import { FAULT_EXIT_MS, SANDBOX_TRY_MS } from '../limits.ts';
import { ensurePrivateFolder } from '../private-folder.ts';
import { createLauncher } from '../process/launchers.ts';
import { exitAtOnce } from '../process/native/exit-at-once.ts';
import { startServer } from '../server/server.ts';
import type { ServerLog } from '../server/server-log.ts';
import { type SystemdVariables, takeSystemdVariables } from '../systemd/variables.ts';
import type { Meter } from '../telemetry/meter.ts';
import { FAILURE_EXIT_CODE } from './exit-codes.ts';
import { tuneHeapGrowth } from './heap-growth.ts';
import { createLogger } from './logger.ts';
import { inheritedVariables } from './own-bytes.ts';
import { placesOf } from './passed-listeners.ts';
import { endPredecessors, recordInState } from './predecessors.ts';
import { printLine } from './print.ts';
import { Reloads } from './reloads.ts';
import type { ServedAudit } from './serve-audit.ts';
import { asksForAudit } from './serve-audit-options.ts';
import { checkFlags, listenSpecsOf } from './serve-checks.ts';
import type { ServeConfig } from './serve-config.ts';
import type { ServeFlags } from './serve-flags.ts';
import type { ServedHttp } from './serve-http.ts';
import { serveListeners } from './serve-listeners.ts';
import { adjustableOf, LiveConfig } from './serve-live.ts';
import type { PlacedMetricsFlags, ServedMetrics } from './serve-metrics.ts';
import { namesProxy } from './serve-network-options.ts';
import type { ServedPolicy } from './serve-policy.ts';
import type { ServedProfiles } from './serve-sandboxes.ts';
import type { ServedNotices } from './serve-systemd.ts';
import { serveTracing } from './serve-tracing.ts';
import { hasTerminal, takeServerSignals } from './server-signals.ts';
import { startedWith, wasIgnored } from './started-with.ts';
import { usableStateFolder } from './state-folder.ts';
import { logStrayOutput } from './stray-output.ts';
import { takeUncaught } from './uncaught.ts';

/**
 * Serves until a signal asks for the end, and ends this program. `read` finds the configuration
 * again: what its file says now.
 *
 * @throws UsageError if flags do not fit together
 * @throws Error if an address may not or cannot be listened at
 */
export async function serve(config: ServeConfig, read: () => Promise<ServeConfig>): Promise<void> {
  // Before anything else has them, and before anything is begun where they make no sense.
  const systemd = takeSystemdVariables(process.env);
  const places = placesOf(config.flags, systemd, process.pid);
  const flags = { ...config.flags, ...places };
  checkFlags(flags);
  if (flags.listen === undefined) {
    await ensurePrivateFolder(dirname(defaultAddress(process.env).path));
  }
  const { flush, logger } = createLogger(flags.logLevel);
  const reloads = new Reloads(logger);
  const live = new LiveConfig(config, read, logger);
  if (config.file !== undefined) reloads.add('the configuration', () => live.reload());
  const listeners = await serveListeners(listenSpecsOf(places), flags, logger, reloads);
  const policy = await policyOf(flags, logger, reloads);
  const profiles = await profilesOf(flags, logger, reloads);
  const http = await httpOf(flags, logger, reloads);
  const tracer = await serveTracing(process.env, logger);
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
    const waitMs = live.flags.grace * 1000 + FAULT_EXIT_MS;
    setTimeout(() => process.exit(), waitMs).unref();
  });
  const stateFolder = await usableStateFolder(flags.stateDir, process.env, logger);
  const launcher = createLauncher(flags.launcher, startedWith());
  exitAtOnce();
  const record = await recordInState(stateFolder, launcher, logger);
  const server = await startServer({
    listeners,
    logger,
    meter: metrics?.meter,
    environment: inheritedVariables(),
    launcher,
    keepaliveMs: flags.keepalive * 1000,
    keepaliveTimeoutMs: flags.keepaliveTimeout * 1000,
    ...adjustableOf(flags),
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
  live.serves(server);
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
  const predecessors = endPredecessors({
    stateFolder,
    launcher,
    log: logger,
    graceMs: flags.grace * 1000,
  });
  await ending.wait();
  clearTimeout(trying);
  notices?.stopping(
    (isAtFault ? 0 : live.flags.drainTimeout * 1000) + live.flags.grace * 1000 + FAULT_EXIT_MS,
  );
  const stopped = Promise.all([
    server.shutdown({ waits: !isAtFault }),
    predecessors.settle(live.flags.grace * 1000),
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
async function policyOf(
  flags: ServeFlags,
  logger: ServerLog,
  reloads: Reloads,
): Promise<ServedPolicy | undefined> {
  if (flags.policy === undefined) return undefined;
  const { servePolicy } = await import('./serve-policy.ts');
  const policy = await servePolicy(flags.policy, logger);
  reloads.add('the policy', () => policy.reload());
  return policy;
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
  reloads: Reloads,
): Promise<ServedProfiles | undefined> {
  if (sandboxProfiles === undefined) return undefined;
  const { serveProfiles } = await import('./serve-sandboxes.ts');
  const profiles = await serveProfiles(sandboxProfiles, logger);
  reloads.add('the sandbox profiles', () => profiles.reload());
  return profiles;
}

async function httpOf(
  flags: ServeFlags,
  logger: ServerLog,
  reloads: Reloads,
): Promise<ServedHttp | undefined> {
  const isPlain = flags.httpCredential === undefined && flags.httpCa === undefined;
  if (isPlain && !(flags.httpProxy && namesProxy(process.env))) return undefined;
  const { serveHttp } = await import('./serve-http.ts');
  return serveHttp(flags, process.env, logger, reloads);
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
  const { metrics } = flags;
  if (metrics === undefined) return undefined;
  const { serveMetrics } = await import('./serve-metrics.ts');
  return serveMetrics({ ...flags, metrics }, logger, reloads, exemplars);
}
