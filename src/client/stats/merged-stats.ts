import type {
  ProcessStats as ProcessMessage,
  ProcessStatsInfo,
  ServerStats as ServerMessage,
  SessionStats as SessionMessage,
  StatsRound,
  StatsTotals as TotalsMessage,
  WatchStatsResponse,
} from '../../gen/runlet/v1/stats_pb.ts';
import { PROCESS_STATES } from '../names.ts';
import { dateOf, msOf } from '../process-info.ts';
import type { ProcessStats, ServerStats, SessionStats, Stats, StatsTotals } from './stats.ts';

/** A process as it was told of last, and before. */
interface Known {
  readonly info: ProcessStatsInfo;
  message: ProcessMessage;
  /** As it was at the round before; undefined: it was not there. */
  stats: ProcessStats | undefined;
  /** What it had used when that was looked at last; undefined: not known. */
  cpuMsAtLook: number | undefined;
}

/** When something was looked at, in milliseconds on the server's clock. */
interface Times {
  readonly elapsedMs: number;
  readonly usageMs: number | undefined;
}

/** Keeps what a stream tells of sessions and processes, and works out how fast it changes. */
export class MergedStats {
  readonly #sessions = new Map<bigint, SessionStats>();
  readonly #processes = new Map<bigint, Known>();
  #before: Times | undefined;
  #server:
    | { readonly cpuMs: number; readonly elapsedMs: number; readonly cpu: number | undefined }
    | undefined;

  /** Takes a message, and gives how all is where that ends a round. */
  take(message: WatchStatsResponse): Stats | undefined {
    const { processes, removedProcesses, removedSessions, reset, round, sessions } = message;
    if (reset) this.#forget();
    for (const number of removedSessions) this.#sessions.delete(number);
    for (const number of removedProcesses) this.#processes.delete(number);
    for (const session of sessions) this.#takeSession(session);
    for (const process of processes) this.#takeProcess(process);
    return round === undefined ? undefined : this.#end(round);
  }

  #forget(): void {
    this.#sessions.clear();
    this.#processes.clear();
    this.#before = undefined;
    this.#server = undefined;
  }

  #takeSession({ attached, info, number, processCount }: SessionMessage): void {
    const before = this.#sessions.get(number);
    this.#sessions.set(number, {
      id: info?.sessionId ?? before?.id ?? '',
      owner: info?.owner ?? before?.owner ?? '',
      createTime: dateOf(info?.createTime) ?? before?.createTime ?? new Date(0),
      attached,
      processCount,
    });
  }

  #takeProcess(message: ProcessMessage): void {
    const { info, number } = message;
    const known = this.#processes.get(number);
    if (info !== undefined) {
      this.#processes.set(number, { info, message, stats: undefined, cpuMsAtLook: undefined });
    } else if (known !== undefined) known.message = message;
  }

  #end(round: StatsRound): Stats {
    const now: Times = {
      elapsedMs: msOf(round.elapsed) ?? 0,
      usageMs: msOf(round.usageElapsed),
    };
    const processes = [...this.#processes.values()].map((known) => this.#process(known, now));
    const server = round.server && this.#serverStats(round.server, now);
    this.#before = now;
    return {
      time: dateOf(round.time) ?? new Date(0),
      sessions: [...this.#sessions.values()],
      processes,
      totals: totals(round.totals),
      server,
      usageLook: now.usageMs,
      skipped: round.skipped,
    };
  }

  #process(known: Known, now: Times): ProcessStats {
    const { info, message, stats: before } = known;
    const outputBytes = Number(message.outputBytes);
    const stdinBytes = Number(message.stdinBytes);
    const cpuMs = msOf(message.cpuTime);
    const sinceMs = this.#before && now.elapsedMs - this.#before.elapsedMs;
    const stats: ProcessStats = {
      id: info.processId,
      sessionId: info.sessionId || undefined,
      owner: info.owner,
      program: info.program,
      pid: Number(info.pid),
      startTime: dateOf(info.startTime) ?? new Date(0),
      exitTime: dateOf(message.exitTime),
      state: PROCESS_STATES.name(message.state) ?? 'running',
      cpuMs,
      cpu: this.#cpu(known, cpuMs, now),
      residentBytes:
        message.residentBytes === undefined ? undefined : Number(message.residentBytes),
      members: message.members,
      outputBytes,
      outputRate: rate(before?.outputBytes, outputBytes, sinceMs),
      stdinBytes,
      stdinRate: rate(before?.stdinBytes, stdinBytes, sinceMs),
      retainedMemoryBytes: Number(message.retainedMemoryBytes),
      retainedFileBytes: Number(message.retainedFileBytes),
      readers: message.readers,
      lagBytes: Number(message.lagBytes),
    };
    known.stats = stats;
    return stats;
  }

  /** How many processors a process used between the last two looks. */
  #cpu(known: Known, cpuMs: number | undefined, { usageMs }: Times): number | undefined {
    const before = this.#before?.usageMs;
    if (known.message.state === PROCESS_STATES.value('closed')) return 0;
    if (usageMs === undefined || usageMs === before) {
      // It was not looked at since; if it is new, this is what there is of it.
      known.cpuMsAtLook ??= cpuMs;
      return known.stats?.cpu;
    }
    const used = rate(
      known.cpuMsAtLook,
      cpuMs,
      before === undefined ? undefined : usageMs - before,
    );
    known.cpuMsAtLook = cpuMs;
    return used === undefined ? undefined : used / 1000;
  }

  #serverStats(message: ServerMessage, { elapsedMs }: Times): ServerStats {
    const cpuMs = msOf(message.cpuTime) ?? 0;
    const before = this.#server;
    // Where it is the same it was not looked at since: a server that tells uses some.
    if (before === undefined || cpuMs !== before.cpuMs) {
      const used = rate(before?.cpuMs, cpuMs, before && elapsedMs - before.elapsedMs);
      this.#server = { cpuMs, elapsedMs, cpu: used === undefined ? undefined : used / 1000 };
    }
    return {
      cpuMs,
      cpu: this.#server?.cpu,
      residentBytes: Number(message.residentBytes),
      eventLoopDelayMs: msOf(message.eventLoopDelay),
      eventLoopUtilization: message.eventLoopUtilization,
      startingProcesses: message.startingProcesses,
    };
  }
}

/** How much more there is now, for each second; undefined: not known. */
function rate(
  before: number | undefined,
  now: number | undefined,
  ms: number | undefined,
): number | undefined {
  if (before === undefined || now === undefined || ms === undefined || ms <= 0) return undefined;
  return (Math.max(0, now - before) * 1000) / ms;
}

function totals(message: TotalsMessage | undefined): StatsTotals {
  return {
    attachedSessions: message?.attachedSessions ?? 0,
    detachedSessions: message?.detachedSessions ?? 0,
    runningProcesses: message?.runningProcesses ?? 0,
    exitedProcesses: message?.exitedProcesses ?? 0,
    closedProcesses: message?.closedProcesses ?? 0,
    retainedMemoryBytes: Number(message?.retainedMemoryBytes ?? 0n),
    retainedFileBytes: Number(message?.retainedFileBytes ?? 0n),
    openCalls: message?.openCalls ?? 0,
  };
}
