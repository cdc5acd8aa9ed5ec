import type { ProcessStats, ServerStats, SessionStats, Stats } from '../../client/index.ts';

/** A round as `--json` prints it. What is not known is null. */
export function statsLine({ processes, server, sessions, skipped, time, totals }: Stats) {
  return {
    time: time.toISOString(),
    skipped,
    totals,
    server: server === undefined ? null : serverFields(server),
    sessions: sessions.map(sessionFields),
    processes: processes.map(processFields),
  };
}

function serverFields(server: ServerStats): Record<string, unknown> {
  return {
    ...server,
    cpu: server.cpu ?? null,
    eventLoopDelayMs: server.eventLoopDelayMs ?? null,
    eventLoopUtilization: server.eventLoopUtilization ?? null,
  };
}

function sessionFields({ id, ...session }: SessionStats): Record<string, unknown> {
  return { session: id, ...session };
}

function processFields({ id, sessionId, ...process }: ProcessStats): Record<string, unknown> {
  return {
    session: sessionId ?? null,
    process: id,
    ...process,
    exitTime: process.exitTime ?? null,
    cpuMs: process.cpuMs ?? null,
    cpu: process.cpu ?? null,
    residentBytes: process.residentBytes ?? null,
    outputRate: process.outputRate ?? null,
    stdinRate: process.stdinRate ?? null,
  };
}
