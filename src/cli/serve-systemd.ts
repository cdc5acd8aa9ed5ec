import { type Address, formatAddress } from '../address.ts';
import { idleClock } from '../clock.ts';
import type { RunletServer } from '../server/server.ts';
import type { ServerLog } from '../server/server-log.ts';
import { createNotifier } from '../systemd/notifier.ts';
import { openNotifySocket } from '../systemd/notify-socket.ts';
import { type ServiceNotices, serviceNotices, watchdogMsOf } from '../systemd/service-notices.ts';
import type { SystemdVariables } from '../systemd/variables.ts';

/** What a service manager is told of a server. */
export interface ServedNotices extends Pick<ServiceNotices, 'close' | 'reload' | 'stopping'> {
  /** It serves, and people are told whether it is ready for new work. */
  serves(server: Pick<RunletServer, 'addresses' | 'readiness'>): void;
}

/**
 * Tells whoever is at `where`, `NOTIFY_SOCKET`, what becomes of a server. Undefined: that cannot be
 * done, and the log says why.
 */
export function serveNotices(
  where: string,
  variables: SystemdVariables,
  log: ServerLog,
): ServedNotices | undefined {
  const problem = (err: unknown): void => {
    log.warn({ err }, 'systemd cannot be told how the server is');
  };
  try {
    const watchdogMs = watchdogMsOf(variables, process.pid);
    const notifier = createNotifier({
      socket: openNotifySocket(where),
      clock: idleClock,
      onProblem: problem,
    });
    const { ready, status, ...notices } = serviceNotices({
      notifier,
      clock: idleClock,
      // What this tells is `CLOCK_MONOTONIC`.
      monotonicUs: () => process.hrtime.bigint() / 1000n,
      watchdogMs,
    });
    return {
      ...notices,
      serves({ addresses, readiness }) {
        const text = (): string => statusText(addresses, readiness.current);
        readiness.follow(() => status(text()));
        ready(text());
      },
    };
  } catch (error) {
    problem(error);
    return undefined;
  }
}

function statusText(
  addresses: readonly Address[],
  { ready, reasons }: RunletServer['readiness']['current'],
): string {
  const where = `Listening on ${addresses.map(formatAddress).join(', ')}`;
  return ready ? where : `${where}; not ready for new work: ${reasons.join(', ')}`;
}
