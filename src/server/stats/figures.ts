import type { Process } from '../../process/process.ts';
import type { ProcessPhase } from '../../process/process-record.ts';
import type { Session } from '../../session/session.ts';
import type { Usage } from './usage-looks.ts';

/** What changes of a session. A type, so that it is known that nothing else is in it. */
export type SessionFigures = {
  readonly attached: boolean;
  readonly processCount: number;
};

/** What changes of a process. */
export type ProcessFigures = {
  readonly state: ProcessPhase['state'];
  /** Milliseconds since 1970; undefined: it runs. */
  readonly exitTime: number | undefined;
  /** Undefined: not known. */
  readonly cpuMs: number | undefined;
  readonly residentBytes: number | undefined;
  readonly members: number;
  readonly outputBytes: number;
  readonly stdinBytes: number;
  readonly memoryBytes: number;
  readonly fileBytes: number;
  readonly readers: number;
  readonly lagBytes: number;
};

/** A session as it is now. */
export function sessionFigures({ attached, processes }: Session): SessionFigures {
  return { attached, processCount: processes.size };
}

/** A process as it is now. `usage`: what it used when that was looked at; undefined: it was not. */
export function processFigures(
  { figures, record, stdinBytes }: Pick<Process, 'figures' | 'record' | 'stdinBytes'>,
  usage: Usage | undefined,
): ProcessFigures {
  const { disk, lag, memory, readers, written } = figures;
  const { phase } = record;
  const isClosed = phase.state === 'closed';
  const running = phase.state === 'running';
  return {
    state: phase.state,
    exitTime: running ? undefined : phase.exit.time,
    cpuMs: cpuMsOf(phase, usage),
    residentBytes: usage === undefined || !isClosed ? usage?.residentBytes : 0,
    members: isClosed ? 0 : (usage?.members ?? 0),
    outputBytes: written,
    stdinBytes,
    memoryBytes: memory,
    fileBytes: disk,
    readers,
    lagBytes: lag,
  };
}

/** What a process that exited has used, as far as the launcher knows. */
export function exitCpuMs(phase: ProcessPhase): number | undefined {
  const usage = phase.state === 'running' ? undefined : phase.exit.usage;
  return usage && usage.userMs + usage.systemMs;
}

function cpuMsOf(phase: ProcessPhase, usage: Usage | undefined): number | undefined {
  const atExit = exitCpuMs(phase);
  if (usage === undefined || atExit === undefined) return usage?.cpuMs ?? atExit;
  return Math.max(usage.cpuMs, atExit);
}
