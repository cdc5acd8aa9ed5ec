import type { Gauges } from '../telemetry/meter.ts';
import type { Core } from './core.ts';
import type { ListenerOptions } from './listener-options.ts';
import { endOf } from './tls/tls-material.ts';

/** What is looked at beside the core. */
interface Outside {
  readonly listeners: readonly Pick<ListenerOptions, 'tls'>[];
  readonly connections: number;
}

/**
 * How much there is of what a server holds. It looks at each session and each process once, some
 * tens of nanoseconds each.
 */
export function gaugesOf(core: Core, { connections, listeners }: Outside): Gauges {
  const { host, limits, readiness, sessions, spool, store } = core;
  const processes = { starting: host.starting, running: 0, exited: 0, closed: 0 };
  let laggingSubscribers = 0;
  for (const [process] of host.launched()) {
    processes[process.record.phase.state] += 1;
    laggingSubscribers += process.figures.lagging;
  }
  return {
    sessions: sessions.states(),
    processes,
    retained: { memory: store.memory, files: store.disk },
    laggingSubscribers,
    connections,
    unready: readiness.current.reasons,
    bounds: {
      sessions: limits.maxSessions,
      processes: limits.maxProcesses,
      connections: limits.maxConnections,
      retained: {
        memory: limits.outputMemoryBytes,
        files: spool === undefined ? 0 : limits.outputDiskBytes,
      },
    },
    certificateEnd: firstEnd(listeners),
  };
}

function firstEnd(listeners: Outside['listeners']): number | undefined {
  const ends = listeners.flatMap(({ tls }) =>
    tls === undefined ? [] : [endOf(tls.current.certificate)],
  );
  return ends.length === 0 ? undefined : Math.min(...ends);
}
