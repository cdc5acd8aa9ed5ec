import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CallOptions, ServiceClient } from '../bridge/types.ts';
import type { ServerService } from '../gen/runlet/v1/server_pb.ts';
import type {
  ProcessStats,
  ProcessStatsInfo,
  SessionStats,
  SessionStatsInfo,
  StatsRound,
  WatchStatsRequestSchema,
  WatchStatsResponse,
} from '../gen/runlet/v1/stats_pb.ts';
import { ConformanceError } from './assert.ts';

/** What is known after a round, and what it told. */
export interface ReadRound {
  readonly end: StatsRound;
  /** Whether what was known before was forgotten. */
  readonly reset: boolean;
  readonly messages: readonly WatchStatsResponse[];
}

/** A reader of `WatchStats` that does what the contract says of its messages, and no more. */
export class StatsReader {
  readonly sessions = new Map<bigint, SessionStats & { readonly info: SessionStatsInfo }>();
  readonly processes = new Map<bigint, ProcessStats & { readonly info: ProcessStatsInfo }>();
  readonly #messages: AsyncIterator<WatchStatsResponse>;

  constructor(
    server: Pick<ServiceClient<typeof ServerService>, 'watchStats'>,
    request: MessageInitShape<typeof WatchStatsRequestSchema> = {},
    options: CallOptions = {},
  ) {
    this.#messages = server.watchStats(request, options)[Symbol.asyncIterator]();
  }

  /** Reads a message, a heartbeat for example. */
  async message(): Promise<WatchStatsResponse> {
    const { done, value } = await this.#messages.next();
    if (done) throw new ConformanceError('the stream ended in order');
    this.#take(value);
    return value;
  }

  /** Reads to the end of a round. */
  async round(): Promise<ReadRound> {
    const messages: WatchStatsResponse[] = [];
    for (;;) {
      const message = await this.message();
      messages.push(message);
      if (message.round !== undefined) {
        return { end: message.round, reset: messages[0]?.reset ?? false, messages };
      }
    }
  }

  /** Reads rounds until what is known is as it is waited for. */
  async until(isSo: (reader: StatsReader, round: ReadRound) => boolean): Promise<ReadRound> {
    for (;;) {
      const round = await this.round();
      if (isSo(this, round)) return round;
    }
  }

  /** The process with an id, as it is known. */
  process(id: string): (ProcessStats & { readonly info: ProcessStatsInfo }) | undefined {
    return [...this.processes.values()].find(({ info }) => info.processId === id);
  }

  /** Ends it. */
  async close(): Promise<void> {
    await this.#messages.return?.();
  }

  #take(message: WatchStatsResponse): void {
    if (message.reset) {
      this.sessions.clear();
      this.processes.clear();
    }
    for (const number of message.removedSessions) this.sessions.delete(number);
    for (const number of message.removedProcesses) this.processes.delete(number);
    take(this.sessions, message.sessions);
    take(this.processes, message.processes);
  }
}

function take<I, S extends { readonly number: bigint; readonly info?: I | undefined }>(
  known: Map<bigint, S & { readonly info: I }>,
  told: readonly S[],
): void {
  for (const item of told) {
    const info = item.info ?? known.get(item.number)?.info;
    if (info === undefined)
      throw new Error(`nothing was told of what has the number ${item.number}`);
    known.set(item.number, { ...item, info });
  }
}
