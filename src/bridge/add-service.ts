import {
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageShape,
} from '@bufbuild/protobuf';
import type {
  MethodDefinition,
  Server,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  StatusObject,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { MAX_MESSAGES_PER_TURN } from '../limits.ts';
import type { CallEdges } from './call-edges.ts';
import { encodeMessage } from './encoded-message.ts';
import { assertFewFields, type FieldBounds } from './field-count.ts';
import { type CallEnding, GrpcCallContext } from './grpc-call-context.ts';
import { inTurns } from './in-turns.ts';
import { type Interceptor, intercept } from './interceptor.ts';
import { SMALL_MESSAGE_BYTES } from './request-meter.ts';
import { requestsOf } from './requests-of.ts';
import {
  methodPath,
  type Response,
  type ServiceImpl,
  streamsRequests,
  streamsResponses,
} from './types.ts';

/** What the bridge needs of the server that it serves. */
export interface BridgeOptions {
  /** Bytes of one request message. */
  readonly maxRequestBytes: number;
  /** What a request message may have, which is looked at before it is decoded. Default: anything. */
  readonly fieldBounds?: FieldBounds;
  /** The one place where an error becomes a status. */
  readonly toStatus: (error: unknown) => Partial<StatusObject>;
  /** The error for a request of too many bytes. */
  readonly oversizeError: () => Error;
  /** The error for a request that cannot be decoded, or is not: a {@link FieldCountError}. */
  readonly decodeError: (cause: unknown) => Error;
  /** What every call passes before its handler has it, the first first. Default: nothing. */
  readonly interceptors?: readonly Interceptor[];
  /** What is known of calls before grpc-js has seen them. Default: nothing. */
  readonly edges?: CallEdges;
}

type UnaryCallback = (error: Partial<StatusObject> | null, response?: Buffer) => void;

type AnyRequest = MessageShape<DescMessage>;
type AnyResponse = Response<DescMessage>;
/** An implementation whose types were checked at {@link addService} and are no longer needed. */
type AnyImpl = (
  request: AnyRequest | AsyncIterable<AnyRequest>,
  context: GrpcCallContext,
) => AnyResponse | Promise<AnyResponse> | AsyncIterable<AnyResponse>;

type AnyCall = ConstructorParameters<typeof GrpcCallContext>[0];

/** Why a writer gave up: the call is over, and nobody is to be told. */
const GONE = Symbol('the call is gone');

/** Lets a server answer the calls of a service with its implementation. */
export function addService<S extends DescService>(
  server: Server,
  service: S,
  implementation: ServiceImpl<S>,
  options: BridgeOptions,
): void {
  const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  const handlers: UntypedServiceImplementation = {};
  const functions = implementation as Readonly<Record<string, AnyImpl>>;
  for (const method of service.methods) {
    const implement = functions[method.localName];
    if (implement === undefined) throw new Error(`${method} is not implemented`);
    definition[method.localName] = {
      path: methodPath(method),
      requestStream: streamsRequests(method),
      responseStream: streamsResponses(method),
      // Decoded and encoded by the handlers, where an error can be told well.
      requestSerialize: (bytes) => bytes,
      requestDeserialize: (bytes) => bytes,
      responseSerialize: (bytes) => bytes,
      responseDeserialize: (bytes) => bytes,
    };
    handlers[method.localName] = grpcHandler(method, implement.bind(implementation), options);
  }
  server.addService(definition as ServiceDefinition, handlers);
}

function grpcHandler(
  method: DescMethod,
  implement: AnyImpl,
  options: BridgeOptions,
): UntypedHandleCall {
  const { edges, interceptors = [], toStatus } = options;
  const contextOf = (call: AnyCall, sendFailure: CallEnding['sendFailure']): GrpcCallContext =>
    new GrpcCallContext(call, { toStatus, sendFailure }, edges?.of(call.metadata));
  switch (method.methodKind) {
    case 'unary':
      return (call: ServerUnaryCall<Buffer, Buffer>, callback: UnaryCallback) => {
        const context = contextOf(call, callback);
        void intercept(interceptors, method, context, () => {
          void answerOnce(method, callback, context, () =>
            implement(decode(method, call.request, options, context), context),
          );
        });
      };
    case 'client_streaming':
      return (call: ServerReadableStream<Buffer, Buffer>, callback: UnaryCallback) => {
        const context = contextOf(call, callback);
        void intercept(interceptors, method, context, () => {
          void answerOnce(method, callback, context, () =>
            implement(decodeAll(method, call, options, context), context),
          );
        });
      };
    case 'server_streaming':
      return (call: ServerWritableStream<Buffer, Buffer>) => {
        const context = contextOf(call, failStream(call));
        void intercept(interceptors, method, context, () => {
          void answerStream(method, call, context, () =>
            implement(decode(method, call.request, options, context), context),
          );
        });
      };
    case 'bidi_streaming':
      return (call: ServerDuplexStream<Buffer, Buffer>) => {
        const context = contextOf(call, failStream(call));
        void intercept(interceptors, method, context, () => {
          void answerStream(method, call, context, () =>
            implement(decodeAll(method, call, options, context), context),
          );
        });
      };
  }
}

/** The way to send a status from a stream: `destroy()` would send none. */
function failStream(
  call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
): CallEnding['sendFailure'] {
  return (failure) => void call.emit('error', failure);
}

/** Never rejects: grpc-js does not await its handlers. */
async function answerOnce(
  method: DescMethod,
  callback: UnaryCallback,
  context: GrpcCallContext,
  answer: () => ReturnType<AnyImpl>,
): Promise<void> {
  try {
    // Nothing is begun for a connection that does not take what it was answered.
    if (context.edge?.answers.blocks(SMALL_MESSAGE_BYTES) === true) {
      (await context.reserve(SMALL_MESSAGE_BYTES))();
    }
    const response = encodeMessage(method.output, (await answer()) as AnyResponse);
    context.holdAnswer(response.byteLength);
    context.succeed(() => callback(null, response));
  } catch (error) {
    context.fail(error);
  }
}

/** Never rejects, as {@link answerOnce}. */
async function answerStream(
  method: DescMethod,
  call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
  context: GrpcCallContext,
  answer: () => ReturnType<AnyImpl>,
): Promise<void> {
  const write = streamWriter(call, context);
  try {
    for await (const response of answer() as AsyncIterable<AnyResponse>) {
      await write(encodeMessage(method.output, response));
    }
    context.succeed(() => call.end());
  } catch (error) {
    // Nothing comes of it if the call is over: then the writer gave up, or the handler did.
    context.fail(error);
  }
}

/**
 * Writes one message at a time, resolving when it was handed to the connection,
 * so that what comes next is gathered while it goes out. With none before it a message is
 * copied by grpc-js at once: its memory may be used again when the next is asked for. Neither the callback
 * nor 'drain' comes once the call is cancelled, and both may take for ever once
 * it failed; either rejects with {@link GONE}.
 */
function streamWriter(
  call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
  { edge, signal }: GrpcCallContext,
): (message: Buffer) => Promise<void> {
  const hold = edge?.answers;
  let giveUp: (reason: symbol) => void = () => {};
  signal.addEventListener('abort', () => giveUp(GONE));
  return (message) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(GONE);
        return;
      }
      giveUp = reject;
      const bytes = message.byteLength > SMALL_MESSAGE_BYTES ? message.byteLength : 0;
      const write = (): void => {
        call.write(message, () => {
          hold?.give(bytes);
          resolve();
        });
      };
      if (hold === undefined || bytes === 0 || hold.tryTake(bytes)) return write();
      void hold.take(bytes, false).then((taken) => {
        if (!taken) reject(GONE);
        else if (!signal.aborted) write();
      });
    });
}

function decode(
  method: DescMethod,
  bytes: Buffer,
  options: BridgeOptions,
  { edge }: GrpcCallContext,
): AnyRequest {
  edge?.requests.decoded(bytes.byteLength);
  if (bytes.byteLength > options.maxRequestBytes) throw options.oversizeError();
  try {
    if (options.fieldBounds !== undefined) {
      assertFewFields(method.input, bytes, options.fieldBounds);
    }
    return fromBinary(method.input, bytes);
  } catch (cause) {
    throw options.decodeError(cause);
  }
}

/**
 * The requests of a stream. It also ends when the call was cut
 * (https://github.com/grpc/grpc-node/issues/2583), so its end says nothing about
 * what the client meant.
 */
async function* decodeAll(
  method: DescMethod,
  call: ServerReadableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
  options: BridgeOptions,
  context: GrpcCallContext,
): AsyncGenerator<AnyRequest> {
  for await (const bytes of inTurns(requestsOf(call), MAX_MESSAGES_PER_TURN)) {
    yield decode(method, bytes as Buffer, options, context);
    context.edge?.requests.consumed();
  }
}
