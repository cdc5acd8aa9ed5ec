import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  Overflow,
  type Process as ProcessMessage,
  ProcessSchema,
  ProcessState,
  TerminalStateSchema,
} from '../gen/runlet/v1/process_pb.ts';
import type { SessionSchema } from '../gen/runlet/v1/session_pb.ts';
import {
  endReasonToProto,
  exitStatusToProto,
  totalsToProto,
  usageToProto,
} from '../output/event-encoding.ts';
import type { Process } from '../process/process.ts';
import { hasTerminal, type ProcessPhase } from '../process/process-record.ts';
import type { Session } from '../session/session.ts';
import { bytesOfText, isPlain, shownText } from '../system-text.ts';

/* The core's objects as clients see them. */

/** How far a process's life has come. */
export const PROCESS_STATES: Readonly<Record<ProcessPhase['state'], ProcessState>> = {
  running: ProcessState.RUNNING,
  exited: ProcessState.EXITED,
  closed: ProcessState.CLOSED,
};

/** A process as it is now. `sessionId` is empty for one of `Run`. */
export function processMessage(
  sessionId: string,
  { lastSeq, record, terminal }: Pick<Process, 'lastSeq' | 'record' | 'terminal'>,
): ProcessMessage {
  const { phase } = record;
  const message = create(ProcessSchema, {
    sessionId,
    processId: record.id,
    state: PROCESS_STATES[phase.state],
    pid: BigInt(record.pid),
    ...argvFields(record.argv),
    labels: Object.fromEntries(record.labels),
    startTime: timestampFromMs(record.started.time),
    lastSeq: BigInt(lastSeq),
    hasTerminal: hasTerminal(record),
    hasStdin: record.hasStdin,
    sandbox: record.sandbox ?? '',
    overflow: record.overflow === 'pause' ? Overflow.PAUSE : Overflow.DROP_OLDEST,
  });
  if (terminal !== undefined) {
    const { modes, size } = terminal;
    message.terminal = create(TerminalStateSchema, { size, modes: Buffer.from(modes) });
  }
  if (phase.state !== 'running') {
    message.exitTime = timestampFromMs(phase.exit.time);
    message.status = exitStatusToProto(phase.exit.status);
    message.reason = endReasonToProto(phase.exit.reason);
    message.usage = usageToProto(phase.exit.wallMs, phase.exit.usage);
  }
  if (phase.state === 'closed') {
    message.closeTime = timestampFromMs(phase.closure.time);
    message.totals = totalsToProto(phase.closure.totals);
    message.outputComplete = phase.closure.outputComplete;
  }
  return message;
}

function argvFields(argv: readonly string[]): Pick<ProcessMessage, 'argv' | 'rawArgv'> {
  if (argv.every(isPlain)) return { argv: [...argv], rawArgv: [] };
  return { argv: argv.map(shownText), rawArgv: argv.map(bytesOfText) };
}

/** A session as it is now. */
export function sessionMessage(session: Session): MessageInitShape<typeof SessionSchema> {
  return {
    sessionId: session.id,
    createTime: timestampFromMs(session.createTime),
    labels: Object.fromEntries(session.labels),
    processCount: session.processes.size,
    detachedTtl: durationFromMs(session.detachedTtlMs),
    attached: session.attached,
    owner: session.owner,
  };
}
