import { toBinary } from '@bufbuild/protobuf';
import type { CallContext } from '../../bridge/call-context.ts';
import { EncodedMessage } from '../../bridge/encoded-message.ts';
import type { ServiceImpl } from '../../bridge/types.ts';
import type { Clock } from '../../clock.ts';
import { invalidField } from '../../errors.ts';
import {
  type ProcessService,
  ReadProcessResponseSchema,
  RunResponseSchema,
  type StartProcessRequest,
  WaitUntil,
  WatchProcessResponseSchema,
} from '../../gen/runlet/v1/process_pb.ts';
import { SignalScope } from '../../gen/runlet/v1/signal_pb.ts';
import {
  DEFAULT_GRACE_MS,
  DEFAULT_READ_BYTES,
  type Limits,
  MAX_ANSWER_BYTES,
  MAX_GRACE_MS,
  MAX_READ_BYTES,
  READ_DEADLINE_MARGIN_MS,
  RUN_AHEAD_BYTES,
} from '../../limits.ts';
import type { EventBatch } from '../../output/event-cursor.ts';
import type { Process } from '../../process/process.ts';
import type { ProcessHost } from '../../process/process-host.ts';
import type { Session } from '../../session/session.ts';
import type { SessionRegistry } from '../../session/session-registry.ts';
import { encodeBatch, followEvents, pollWaitMs } from '../event-stream.ts';
import { processMessage } from '../messages.ts';
import { processBytes } from '../requests/encoded-size.ts';
import {
  parseDuration,
  parseEnum,
  parseId,
  parseOffset,
  parseOptionalId,
  parsePageSize,
  parsePageToken,
  parseSignal,
  parseTerminalSize,
  parseUint64,
  SIGNAL_SCOPES,
} from '../requests/fields.ts';
import { processPage } from '../requests/process-page.ts';
import { parseProcessSpec, specFingerprint } from '../requests/process-spec.ts';
import { enterSession, type SessionReference } from './enter-session.ts';
import { interact } from './interact.ts';
import { runOnce } from './run-once.ts';
import { streamStdin } from './stream-stdin.ts';

/** What the service is made with. */
export interface ProcessServiceOptions {
  readonly sessions: SessionRegistry;
  readonly host: ProcessHost;
  readonly clock: Clock;
  readonly limits: Limits;
  /** The working directory where a spec names none. */
  readonly cwd: string;
  /** Makes an id that was never used. */
  readonly newId: () => string;
}

const TERMINATE_SCOPES = { ...SIGNAL_SCOPES, [SignalScope.UNSPECIFIED]: 'tree' } as const;

const WAITS = {
  [WaitUntil.UNSPECIFIED]: 'closed',
  [WaitUntil.CLOSED]: 'closed',
  [WaitUntil.EXITED]: 'exited',
} as const;

/** `ProcessService`: translates requests to calls of the core, and nothing more. */
export function processService(options: ProcessServiceOptions): ServiceImpl<typeof ProcessService> {
  const { clock, cwd, limits, sessions } = options;

  const findProcess = (
    request: SessionReference & { readonly processId: string },
    context: CallContext,
  ): { readonly session: Session; readonly process: Process } => {
    const processId = parseId('process_id', request.processId);
    const session = enterSession(sessions, request, context);
    context.annotate({ processId });
    return { session, process: session.processes.get(processId) };
  };

  const start = async (
    request: StartProcessRequest,
    context: CallContext,
  ): Promise<{ readonly session: Session; readonly process: Process }> => {
    const processId = parseOptionalId('process_id', request.processId);
    const requestId = parseOptionalId('request_id', request.requestId);
    const spec = parseProcessSpec(request.spec, { cwd, limits, overflow: 'drop-oldest' });
    const session = enterSession(sessions, request, context);
    const fingerprint = requestId === '' ? '' : specFingerprint(request.spec);
    const process = await session.processes.start({ processId, requestId, fingerprint, spec });
    context.annotate({ processId: process.id });
    return { session, process };
  };

  return {
    async startProcess(request, context) {
      const { process, session } = await start(request, context);
      return { process: processMessage(session.id, process) };
    },

    getProcess(request, context) {
      const { process, session } = findProcess(request, context);
      return { process: processMessage(session.id, process) };
    },

    listProcesses(request, context) {
      const maximum = parsePageSize('page_size', request.pageSize);
      const after = parsePageToken('page_token', request.pageToken);
      const session = enterSession(sessions, request, context);
      return processPage(session, after, maximum);
    },

    async *watchProcess(request, context) {
      const afterSeq = parseUint64('after_seq', request.afterSeq);
      const readerId = parseOptionalId('reader_id', request.readerId);
      const { process, session } = findProcess(request, context);
      const cursor = session.processes.openCursor(process.id, afterSeq, { readerId });
      context.sendHeaders();
      for await (const bytes of followEvents(cursor, context.signal, limits.heartbeatMs)) {
        yield new EncodedMessage(WatchProcessResponseSchema, bytes);
      }
    },

    async readProcess(request, context) {
      const afterSeq = parseUint64('after_seq', request.afterSeq);
      const waitMs = parseDuration('wait', request.wait) ?? 0;
      const { process, session } = findProcess(request, context);
      const maxBytes = Math.min(
        request.maxBytes || DEFAULT_READ_BYTES,
        MAX_READ_BYTES,
        MAX_ANSWER_BYTES - processBytes(process),
      );
      // The next one says what has arrived of this one's answer.
      const reader = { acknowledges: true };
      const cursor = session.processes.openCursor(process.id, afterSeq, reader);
      const read = async (): Promise<EventBatch | undefined> => {
        const release = await context.reserve(maxBytes);
        const found = await cursor.read(maxBytes);
        if (found === undefined) release();
        return found;
      };
      try {
        let batch = await read();
        if (batch === undefined && waitMs > 0 && !cursor.ended) {
          context.sendHeaders();
          const { maxReadWaitMs } = limits;
          const { deadline, signal } = context;
          await cursor.wait(
            pollWaitMs(waitMs, maxReadWaitMs, deadline, READ_DEADLINE_MARGIN_MS, clock),
            signal,
          );
          batch = await read();
        }
        const rest = toBinary(ReadProcessResponseSchema, {
          $typeName: 'runlet.v1.ReadProcessResponse',
          events: [],
          nextAfterSeq: BigInt(batch?.lastSeq ?? afterSeq),
          process: processMessage(session.id, process),
        });
        return new EncodedMessage(ReadProcessResponseSchema, encodeBatch(batch, rest));
      } finally {
        cursor.close();
      }
    },

    acknowledgeOutput(request, context) {
      const readerId = parseId('reader_id', request.readerId);
      const seq = parseUint64('seq', request.seq);
      findProcess(request, context).process.acknowledge(readerId, seq);
      return {};
    },

    async writeStdin(request, context) {
      const { data, eof } = request;
      const offset = parseOffset('offset', request.offset);
      const { process } = findProcess(request, context);
      const accepted = await process.writeStdin({ offset, data, eof }, context.signal);
      return { acceptedOffset: BigInt(accepted) };
    },

    streamStdin(requests, context) {
      return streamStdin(requests, context, (first) => findProcess(first, context).process);
    },

    async signalProcess(request, context) {
      const { scope, signal } = parseSignal('', request);
      await findProcess(request, context).process.signal(signal, scope);
      return {};
    },

    resizeTerminal(request, context) {
      if (request.size === undefined) throw invalidField('size', 'is required');
      const size = parseTerminalSize('size', request.size);
      findProcess(request, context).process.resizeTerminal(size);
      return {};
    },

    async terminateProcess(request, context) {
      const graceMs = parseDuration('grace', request.grace, MAX_GRACE_MS) ?? DEFAULT_GRACE_MS;
      const scope = parseEnum('scope', request.scope, TERMINATE_SCOPES);
      const { process, session } = findProcess(request, context);
      const wasRunning = process.phase.state === 'running';
      context.sendHeaders();
      await process.terminate('terminated', graceMs, scope);
      return { wasRunning, process: processMessage(session.id, process) };
    },

    async waitProcess(request, context) {
      const until = parseEnum('until', request.until, WAITS);
      const { process, session } = findProcess(request, context);
      context.sendHeaders();
      await process[until].wait(context.signal);
      return { process: processMessage(session.id, process) };
    },

    interact(requests, context) {
      return interact(requests, context, limits.heartbeatMs, async (first) => {
        if (first.case === 'start') {
          const { process, session } = await start(first.value, context);
          const cursor = session.processes.openCursor(process.id, 0);
          return { sessionId: session.id, process, cursor };
        }
        if (first.case !== 'attach')
          throw invalidField('request', 'must begin with start or attach');
        const afterSeq = parseUint64('attach.after_seq', first.value.afterSeq);
        const readerId = parseOptionalId('attach.reader_id', first.value.readerId);
        const { process, session } = findProcess(first.value, context);
        const cursor = session.processes.openCursor(process.id, afterSeq, { readerId });
        return { sessionId: session.id, process, cursor };
      });
    },

    async *run(request, context) {
      const spec = parseProcessSpec(request.spec, {
        cwd,
        limits,
        overflow: 'pause',
        pauseBytes: RUN_AHEAD_BYTES,
      });
      for await (const bytes of runOnce(spec, request.stdin, context, options)) {
        yield new EncodedMessage(RunResponseSchema, bytes);
      }
    },
  };
}
