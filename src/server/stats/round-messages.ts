import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { EncodedMessage } from '../../bridge/encoded-message.ts';
import {
  type ProcessStatsSchema,
  type SessionStatsSchema,
  type StatsRoundSchema,
  WatchStatsResponseSchema,
} from '../../gen/runlet/v1/stats_pb.ts';
import { STATS_MESSAGE_BYTES } from '../../limits.ts';
import { spanToProto } from '../../output/event-encoding.ts';
import type { Process } from '../../process/process.ts';
import type { Session } from '../../session/session.ts';
import { shownText } from '../../system-text.ts';
import { PROCESS_STATES } from '../messages.ts';
import type { ProcessFigures, SessionFigures } from './figures.ts';
import type { Round } from './stats.ts';
import type { Told } from './versions.ts';

/** A part of a round. */
type StatsMessage = MessageInitShape<typeof WatchStatsResponseSchema>;

/** Bytes of what has a fixed size, at most: of what changes, and of what does not beside its texts. */
const FIGURES_BYTES = 128;
const INFO_BYTES = 64;

/** Bytes of the number of something that is gone, at most. */
const NUMBER_BYTES = 10;

/**
 * A round as messages, none of which is much larger than {@link STATS_MESSAGE_BYTES}: each is made
 * when it is asked for. `skipped`: rounds that were left out before it.
 */
export function* encodedRound(
  round: Round,
  skipped: number,
): Generator<EncodedMessage<typeof WatchStatsResponseSchema>> {
  const schema = WatchStatsResponseSchema;
  for (const message of roundMessages(round, skipped)) {
    yield new EncodedMessage(schema, toBinary(schema, create(schema, message)));
  }
}

function* roundMessages(round: Round, skipped: number): Generator<StatsMessage> {
  const { processes, sessions, whole } = round;
  let message = {
    reset: whole,
    removedSessions: sessions.removed.map(BigInt),
    removedProcesses: processes.removed.map(BigInt),
    ...noItems(),
  };
  let bytes = NUMBER_BYTES * (sessions.removed.length + processes.removed.length);
  for (const { item, message: told, bytes: size } of itemsOf(round)) {
    if (bytes + size > STATS_MESSAGE_BYTES && bytes > 0) {
      yield message;
      message = { reset: false, removedSessions: [], removedProcesses: [], ...noItems() };
      bytes = 0;
    }
    bytes += size;
    if (item === 'session') message.sessions.push(told);
    else message.processes.push(told);
  }
  yield { ...message, round: endOf(round, skipped) };
}

type SessionMessage = MessageInitShape<typeof SessionStatsSchema>;
type ProcessMessage = MessageInitShape<typeof ProcessStatsSchema>;

type ItemMessage =
  | { readonly item: 'session'; readonly message: SessionMessage; readonly bytes: number }
  | { readonly item: 'process'; readonly message: ProcessMessage; readonly bytes: number };

function noItems(): { sessions: SessionMessage[]; processes: ProcessMessage[] } {
  return { sessions: [], processes: [] };
}

function* itemsOf({ processes, sessions }: Round): Generator<ItemMessage> {
  for (const told of sessions.changed) {
    yield { item: 'session', message: sessionMessage(told), bytes: bytesOf(told) };
  }
  for (const told of processes.changed) {
    const { isNew, item } = told;
    const program = isNew ? (item.key.record.argv[0] ?? '') : '';
    const bytes = bytesOf(told) + 3 * program.length;
    yield { item: 'process', message: processMessage(told, program), bytes };
  }
}

function bytesOf({ isNew, item }: Told<{ readonly id: string }, unknown>): number {
  if (!isNew) return FIGURES_BYTES;
  const { key, scope } = item;
  const texts = key.id.length + scope.owner.length + scope.sessionId.length;
  return FIGURES_BYTES + INFO_BYTES + 3 * texts;
}

function sessionMessage({ isNew, item }: Told<Session, SessionFigures>): SessionMessage {
  const { figures, key, number } = item;
  const { createTime, id, owner } = key;
  return {
    number: BigInt(number),
    ...figures,
    ...(isNew && { info: { sessionId: id, owner, createTime: timestampFromMs(createTime) } }),
  };
}

function processMessage(
  { isNew, item }: Told<Process, ProcessFigures>,
  program: string,
): ProcessMessage {
  const { figures, key, number, scope } = item;
  const { cpuMs, exitTime, residentBytes } = figures;
  const message: ProcessMessage = {
    number: BigInt(number),
    state: PROCESS_STATES[figures.state],
    members: figures.members,
    outputBytes: BigInt(figures.outputBytes),
    stdinBytes: BigInt(figures.stdinBytes),
    retainedMemoryBytes: BigInt(figures.memoryBytes),
    retainedFileBytes: BigInt(figures.fileBytes),
    readers: figures.readers,
    lagBytes: BigInt(figures.lagBytes),
    ...(exitTime !== undefined && { exitTime: timestampFromMs(exitTime) }),
    ...(cpuMs !== undefined && { cpuTime: spanToProto(cpuMs) }),
    ...(residentBytes !== undefined && { residentBytes: BigInt(residentBytes) }),
  };
  if (!isNew) return message;
  const { id, pid, started } = key.record;
  const info = {
    sessionId: scope.sessionId,
    processId: id,
    owner: scope.owner,
    program: shownText(program),
    pid: BigInt(pid),
    startTime: timestampFromMs(started.time),
  };
  return { ...message, info };
}

function endOf(round: Round, skipped: number): MessageInitShape<typeof StatsRoundSchema> {
  const { elapsedMs, server, time, totals, usageMs } = round;
  return {
    time: timestampFromMs(time),
    elapsed: spanToProto(elapsedMs),
    ...(usageMs !== undefined && { usageElapsed: spanToProto(usageMs) }),
    skipped,
    totals: {
      attachedSessions: totals.attached,
      detachedSessions: totals.detached,
      runningProcesses: totals.running,
      exitedProcesses: totals.exited,
      closedProcesses: totals.closed,
      retainedMemoryBytes: BigInt(totals.memoryBytes),
      retainedFileBytes: BigInt(totals.fileBytes),
      openCalls: totals.openCalls,
    },
    ...(server && {
      server: {
        cpuTime: spanToProto(server.cpuMs),
        residentBytes: BigInt(server.residentBytes),
        ...(server.loop && {
          eventLoopDelay: spanToProto(server.loop.delayMs),
          eventLoopUtilization: server.loop.utilization,
        }),
        startingProcesses: server.starting,
      },
    }),
  };
}
