import type { Gauges } from '../telemetry/meter.ts';
import type { Core } from './core.ts';

/**
 * How much there is of what a server holds. It looks at each session and each process once, some
 * tens of nanoseconds each.
 */
export function gaugesOf({ host, sessions, store }: Core): Gauges {
  const processes = { starting: host.starting, running: 0, exited: 0, closed: 0 };
  let laggingSubscribers = 0;
  for (const process of host.launched()) {
    processes[process.record.phase.state] += 1;
    laggingSubscribers += process.laggingReaders;
  }
  return {
    sessions: sessions.states(),
    processes,
    retained: { memory: store.memory, files: store.disk },
    laggingSubscribers,
  };
}
