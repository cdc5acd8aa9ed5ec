import {
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageShape,
} from '@bufbuild/protobuf';
import {
  type MethodDefinition,
  type Server,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type StatusObject,
  status,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { CallReport } from './call-context.ts';
import { encodeMessage } from './encoded-message.ts';
import { GrpcCallContext } from './grpc-call-context.ts';
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
  /** The one place where an error becomes a status. */
  readonly toStatus: (error: unknown) => Partial<StatusObject>;
  /** The error for a request of too many bytes. */
  readonly oversizeError: () => Error;
  /** The error for a request that cannot be decoded. */
  readonly decodeError: (cause: unknown) => Error;
  /** Called once for every call, when it is over. */
  readonly onCall: (report: CallReport) => void;
}

type UnaryCallback = (error: Partial<StatusObject> | null, response?: Buffer) => void;

type AnyRequest = MessageShape<DescMessage>;
type AnyResponse = Response<DescMessage>;
/** An implementation whose types were checked at {@link addService} and are no longer needed. */
type AnyImpl = (
  request: AnyRequest | AsyncIterable<AnyRequest>,
  context: GrpcCallContext,
) => AnyResponse | Promise<AnyResponse> | AsyncIterable<AnyResponse>;

/** A call that ended without the handler: there is nobody to tell. */
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
  switch (method.methodKind) {
    case 'unary':
      return (call: ServerUnaryCall<Buffer, Buffer>, callback: UnaryCallback) => {
        const context = new GrpcCallContext(call, options.onCall);
        void answerOnce(context, callback, options, async () => {
          const request = decode(method, call.request, options);
          return encodeMessage(method.output, (await implement(request, context)) as AnyResponse);
        });
      };
    case 'client_streaming':
      return (call: ServerReadableStream<Buffer, Buffer>, callback: UnaryCallback) => {
        const context = new GrpcCallContext(call, options.onCall);
        void answerOnce(context, callback, options, async () => {
          const requests = decodeAll(method, call, options);
          return encodeMessage(method.output, (await implement(requests, context)) as AnyResponse);
        });
      };
    case 'server_streaming':
      return (call: ServerWritableStream<Buffer, Buffer>) => {
        const context = new GrpcCallContext(call, options.onCall);
        void answerStream(method, call, context, options, () =>
          implement(decode(method, call.request, options), context),
        );
      };
    case 'bidi_streaming':
      return (call: ServerDuplexStream<Buffer, Buffer>) => {
        const context = new GrpcCallContext(call, options.onCall);
        void answerStream(method, call, context, options, () =>
          implement(decodeAll(method, call, options), context),
        );
      };
  }
}

/** Never rejects: grpc-js does not await its handlers. */
async function answerOnce(
  context: GrpcCallContext,
  callback: UnaryCallback,
  options: BridgeOptions,
  answer: () => Promise<Buffer>,
): Promise<void> {
  try {
    const response = await answer();
    context.finish(status.OK);
    callback(null, response);
  } catch (error) {
    const failure = options.toStatus(error);
    context.finish(failure.code ?? status.UNKNOWN, error);
    callback(failure);
  }
}

/** Never rejects, as {@link answerOnce}. */
async function answerStream(
  method: DescMethod,
  call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
  context: GrpcCallContext,
  options: BridgeOptions,
  answer: () => ReturnType<AnyImpl>,
): Promise<void> {
  const writer = streamWriter(call, context.signal);
  try {
    for await (const response of answer() as AsyncIterable<AnyResponse>) {
      await writer(encodeMessage(method.output, response));
    }
    context.finish(status.OK);
    call.end();
  } catch (error) {
    if (error === GONE) return;
    const failure = options.toStatus(error);
    context.finish(failure.code ?? status.UNKNOWN, error);
    // The way to send a status from a stream: `destroy()` would send none.
    call.emit('error', failure);
  }
}

/**
 * Writes one message at a time, resolving when it was handed to the connection,
 * so that what comes next is gathered while it goes out. Neither the callback
 * nor 'drain' comes once the call is cancelled; that rejects with {@link GONE}.
 */
function streamWriter(
  call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
  signal: AbortSignal,
): (message: Buffer) => Promise<void> {
  let giveUp: (reason: symbol) => void = () => {};
  signal.addEventListener('abort', () => giveUp(GONE));
  return (message) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(GONE);
        return;
      }
      giveUp = reject;
      call.write(message, () => resolve());
    });
}

function decode(method: DescMethod, bytes: Buffer, options: BridgeOptions): AnyRequest {
  if (bytes.byteLength > options.maxRequestBytes) throw options.oversizeError();
  try {
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
): AsyncGenerator<AnyRequest> {
  // Destroying the stream would take the answer's way with it.
  for await (const bytes of call.iterator({ destroyOnReturn: false })) {
    yield decode(method, bytes as Buffer, options);
  }
}
