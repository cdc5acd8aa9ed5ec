import type { ProcessExit, ProcessInfo } from '../client/index.ts';

/** How a process ended, as `--json` prints it. */
export function exitFields({ code, reason, signal, signalNumber }: ProcessExit): {
  readonly code: number | null;
  readonly signal: string | null;
  readonly reason: string;
} {
  const name = signal ?? (signalNumber === null ? null : String(signalNumber));
  return { code, signal: name, reason };
}

/** A process as `--json` prints it. What is not known yet is null. */
export function processLine(info: ProcessInfo): Record<string, unknown> {
  return {
    session: info.sessionId,
    process: info.id,
    state: info.state,
    pid: info.pid,
    sandbox: info.sandbox === '' ? null : info.sandbox,
    argv: info.argv,
    rawArgv: info.rawArgv?.map((part) => part.toString('base64')) ?? null,
    labels: info.labels,
    terminal: info.hasTerminal,
    stdin: info.hasStdin,
    lastSeq: info.lastSeq,
    startTime: info.startTime.toISOString(),
    exitTime: info.exitTime?.toISOString() ?? null,
    closeTime: info.closeTime?.toISOString() ?? null,
    ...(info.exit === undefined
      ? { code: null, signal: null, reason: null }
      : exitFields(info.exit)),
    totals: info.closure?.totals ?? null,
    outputComplete: info.closure?.outputComplete ?? null,
  };
}
