import type { ProcessStats, SessionStats, Stats } from '../../../src/client/index.ts';

/** When all is looked at. */
export const NOW = new Date('2026-11-23T12:00:00Z');

/** A process that runs and does nothing. */
export function aProcess(id: string, facts: Partial<ProcessStats> = {}): ProcessStats {
  return {
    id,
    sessionId: '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52',
    owner: 'peer:1000',
    program: '/bin/sh',
    pid: 4711,
    startTime: new Date(NOW.getTime() - 60_000),
    exitTime: undefined,
    state: 'running',
    cpuMs: 0,
    cpu: 0,
    residentBytes: 0,
    members: 1,
    outputBytes: 0,
    outputRate: 0,
    stdinBytes: 0,
    stdinRate: 0,
    retainedMemoryBytes: 0,
    retainedFileBytes: 0,
    readers: 0,
    lagBytes: 0,
    ...facts,
  };
}

/** What is told of some processes. */
export function statsOf(
  processes: readonly ProcessStats[],
  sessions: readonly SessionStats[] = [],
  facts: Partial<Stats> = {},
): Stats {
  return {
    time: NOW,
    sessions,
    processes,
    totals: {
      attachedSessions: 0,
      detachedSessions: sessions.length,
      runningProcesses: processes.length,
      exitedProcesses: 0,
      closedProcesses: 0,
      retainedMemoryBytes: 2048,
      retainedFileBytes: 0,
      openCalls: 1,
    },
    server: undefined,
    usageLook: 0,
    skipped: 0,
    ...facts,
  };
}
