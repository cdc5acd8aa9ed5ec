import {
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { anyPack, anyUnpack } from '@bufbuild/protobuf/wkt';
import type { ServiceError } from '@grpc/grpc-js';
import type { CallContext } from '../../../src/bridge/call-context.ts';
import { streamsRequests, streamsResponses } from '../../../src/bridge/types.ts';
import { callErrorDetails, isCallError } from '../../../src/client/call-error.ts';
import { StatusSchema } from '../../../src/gen/google/rpc/status_pb.ts';
import type { ProcessEvent } from '../../../src/gen/runlet/v1/event_pb.ts';
import type {
  InteractRequest,
  Process,
  ProcessSpec,
} from '../../../src/gen/runlet/v1/process_pb.ts';
import type { SessionEvent } from '../../../src/gen/runlet/v1/session_pb.ts';
import { SERVICES, type Services } from './services.ts';

/*
 * The places at which a fault can be put in. Each takes the methods of a server and returns
 * them with the fault; messages are changed in place.
 */

/** What a start is about: of `StartProcess`, of `Interact`, or of `Run`, which has no ids. */
export interface Start {
  readonly spec: ProcessSpec;
  readonly sessionId: string;
  readonly processId: string;
}

type AnyHandler = (request: unknown, context: CallContext) => unknown;
type Handlers = Record<string, AnyHandler>;

/** Changes every request of the named methods, each message where there are several. */
export function onRequests<K extends keyof Services>(
  real: Services,
  names: readonly K[],
  change: (request: RequestOf<Services[K]>) => void,
): Services {
  const result: Handlers = { ...(real as unknown as Handlers) };
  for (const method of methodsNamed(names)) {
    const handler = (real as unknown as Handlers)[method.localName] as AnyHandler;
    result[method.localName] = (request, context) => {
      if (streamsRequests(method)) {
        return handler(changed(request as AsyncIterable<never>, change), context);
      }
      change(request as never);
      return handler(request, context);
    };
  }
  return result as unknown as Services;
}

/** Changes every response of the named methods, each message where there are several. */
export function onResponses<K extends keyof Services>(
  real: Services,
  names: readonly K[],
  change: (response: ResponseOf<Services[K]>, request: RequestOf<Services[K]>) => void,
): Services {
  const result: Handlers = { ...(real as unknown as Handlers) };
  for (const method of methodsNamed(names)) {
    const handler = (real as unknown as Handlers)[method.localName] as AnyHandler;
    result[method.localName] = (request, context) => {
      const answer = handler(request, context);
      const alter = (response: never): void => change(response, request as never);
      if (streamsResponses(method)) return changed(answer as AsyncIterable<never>, alter);
      return (answer as Promise<never>).then((response) => {
        alter(response);
        return response;
      });
    };
  }
  return result as unknown as Services;
}

/** Replaces the failures of all methods: what is returned is thrown. */
export function onFailures(
  real: Services,
  change: (error: ServiceError, reason: string | undefined) => unknown,
): Services {
  const result: Handlers = {};
  const replace = (error: unknown): unknown =>
    isCallError(error) ? change(error, callErrorDetails(error).info?.reason) : error;
  for (const method of methodsNamed(undefined)) {
    const handler = (real as unknown as Handlers)[method.localName] as AnyHandler;
    result[method.localName] = (request, context) => {
      const answer = handler(request, context);
      if (!streamsResponses(method)) {
        return (answer as Promise<unknown>).catch((error: unknown) => {
          throw replace(error);
        });
      }
      return rethrown(answer as AsyncIterable<unknown>, replace);
    };
  }
  return result as unknown as Services;
}

/** Changes every spec that something is started with. */
export function onStarts(real: Services, change: (start: Start) => void): Services {
  const begin = (request: Start | { readonly spec?: ProcessSpec | undefined }): void => {
    const { processId = '', sessionId = '', spec } = request as Partial<Start>;
    if (spec !== undefined) change({ spec, sessionId, processId });
  };
  const starts = onRequests(real, ['startProcess', 'run'], begin);
  return onRequests(starts, ['interact'], ({ request }: InteractRequest) => {
    if (request.case === 'start') begin(request.value as Start);
  });
}

/** Changes every process that is told, wherever it is. */
export function onProcesses(real: Services, change: (process: Process) => void): Services {
  const single = ['startProcess', 'getProcess', 'readProcess', 'terminateProcess'] as const;
  const told = onResponses(real, [...single, 'waitProcess', 'interact'], ({ process }) => {
    if (process !== undefined) change(process);
  });
  const listed = onResponses(told, ['listProcesses'], ({ processes }) => processes.forEach(change));
  return onSessionEvents(listed, () => (event) => {
    const { event: body } = event;
    if (body.case === 'attached') body.value.processes.forEach(change);
    else if (body.value !== undefined && 'process' in body.value && body.value.process) {
      change(body.value.process);
    }
    return [event];
  });
}

/** For each stream or poll, what becomes of each of its events. */
export type EventFault = () => (event: ProcessEvent) => readonly ProcessEvent[];

/** Changes the events of all streams and polls. */
export function onEvents(
  real: Services,
  fault: EventFault,
  names: readonly ('watchProcess' | 'readProcess' | 'run' | 'interact')[] = [
    'watchProcess',
    'readProcess',
    'run',
    'interact',
  ],
): Services {
  const result: Handlers = { ...(real as unknown as Handlers) };
  for (const name of names) {
    const handler = (real as unknown as Handlers)[name] as AnyHandler;
    result[name] = (request, context) => {
      const each = fault();
      const alter = (response: { events: ProcessEvent[] }): void => {
        response.events = response.events.flatMap((event) => [...each(event)]);
      };
      const answer = handler(request, context);
      if (name !== 'readProcess') return changed(answer as AsyncIterable<never>, alter);
      return (answer as Promise<{ events: ProcessEvent[] }>).then((response) => {
        alter(response);
        return response;
      });
    };
  }
  return result as unknown as Services;
}

/** Changes each event of all streams and polls by itself. */
export function onEachEvent(real: Services, change: (event: ProcessEvent) => void): Services {
  return onEvents(real, () => (event) => {
    change(event);
    return [event];
  });
}

/** Changes the events of all attached streams. */
export function onSessionEvents(
  real: Services,
  fault: () => (event: SessionEvent) => readonly SessionEvent[],
): Services {
  return {
    ...real,
    async *attachSession(request, context) {
      const each = fault();
      for await (const response of real.attachSession(request, context)) {
        if (response.event === undefined) continue;
        for (const event of each(response.event)) yield { ...response, event };
      }
    },
  };
}

/** Changes the details of a failure, and returns it: what is returned undefined is left out. */
export function withDetails<S extends DescMessage>(
  error: ServiceError,
  schema: S,
  change: (detail: MessageShape<S>) => MessageShape<S> | undefined,
): ServiceError {
  const [header] = error.metadata.get('grpc-status-details-bin');
  if (!Buffer.isBuffer(header)) return error;
  const status = fromBinary(StatusSchema, header);
  status.details = status.details.flatMap((any) => {
    const detail = anyUnpack(any, schema);
    if (detail === undefined) return [any];
    const kept = change(detail);
    return kept === undefined ? [] : [anyPack(schema, kept)];
  });
  error.metadata.set('grpc-status-details-bin', Buffer.from(toBinary(StatusSchema, status)));
  return error;
}

type RequestOf<F> = F extends (request: infer R, context: CallContext) => unknown
  ? R extends AsyncIterable<infer M>
    ? M
    : R
  : never;

type ResponseOf<F> = F extends (request: never, context: CallContext) => infer R
  ? R extends AsyncIterable<infer M>
    ? M
    : Awaited<R>
  : never;

function methodsNamed(names: readonly string[] | undefined): readonly DescMethod[] {
  const all = SERVICES.flatMap(({ methods }) => methods as readonly DescMethod[]);
  return names === undefined ? all : all.filter(({ localName }) => names.includes(localName));
}

async function* changed(
  messages: AsyncIterable<never>,
  change: (message: never) => void,
): AsyncGenerator<never> {
  for await (const message of messages) {
    change(message);
    yield message;
  }
}

async function* rethrown(
  messages: AsyncIterable<unknown>,
  replace: (error: unknown) => unknown,
): AsyncGenerator<unknown> {
  try {
    yield* messages;
  } catch (error) {
    throw replace(error);
  }
}
