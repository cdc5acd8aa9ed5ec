import {
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  type CallOptions as GrpcCallOptions,
  Metadata,
} from '@grpc/grpc-js';
import { encodeMessage } from './encoded-message.ts';
import { type CallOptions, methodPath, type ServiceClient } from './types.ts';

type AnyInit = MessageInitShape<DescMessage>;
type AnyMessage = MessageShape<DescMessage>;
type Cancellable = { cancel(): void };

/** A client of a service over a connection. Failed calls throw grpc-js's `ServiceError`. */
export function createClient<S extends DescService>(
  service: S,
  connection: Client,
): ServiceClient<S> {
  const functions: Record<string, unknown> = {};
  for (const method of service.methods) {
    functions[method.localName] = clientFunction(connection, method);
  }
  return functions as ServiceClient<S>;
}

function clientFunction(connection: Client, method: DescMethod): unknown {
  const path = methodPath(method);
  // Of what cannot be encoded grpc-js would make a failure of the call: it is thrown at once.
  const encode = (message: AnyInit): Buffer => encodeMessage(method.input, message);
  const serialize = (bytes: Buffer): Buffer => bytes;
  const deserialize = (bytes: Buffer): AnyMessage => fromBinary(method.output, bytes);
  switch (method.methodKind) {
    case 'unary':
      return async (request: AnyInit, options: CallOptions = {}) => {
        const bytes = encode(request);
        return answered((callback) =>
          cancelledBy(
            options.signal,
            connection.makeUnaryRequest(
              path,
              serialize,
              deserialize,
              bytes,
              metadataOf(options),
              grpcOptions(options),
              callback,
            ),
          ),
        );
      };
    case 'client_streaming':
      return (requests: AsyncIterable<AnyInit>, options: CallOptions = {}) =>
        answered((callback) => {
          const call = connection.makeClientStreamRequest(
            path,
            serialize,
            deserialize,
            metadataOf(options),
            grpcOptions(options),
            callback,
          );
          void sendAll(call, requests, encode);
          return cancelledBy(options.signal, call);
        });
    case 'server_streaming':
      return (request: AnyInit, options: CallOptions = {}) =>
        receiveAll(options.signal, () =>
          connection.makeServerStreamRequest(
            path,
            serialize,
            deserialize,
            encode(request),
            metadataOf(options),
            grpcOptions(options),
          ),
        );
    case 'bidi_streaming':
      return (requests: AsyncIterable<AnyInit>, options: CallOptions = {}) =>
        receiveAll(options.signal, () => {
          const call = connection.makeBidiStreamRequest(
            path,
            serialize,
            deserialize,
            metadataOf(options),
            grpcOptions(options),
          );
          void sendAll(call, requests, encode);
          return call;
        });
  }
}

function answered(
  begin: (callback: (error: Error | null, response?: AnyMessage) => void) => () => void,
): Promise<AnyMessage> {
  return new Promise((resolve, reject) => {
    const forget = begin((error, response) => {
      forget();
      if (error !== null || response === undefined) reject(error);
      else resolve(response);
    });
  });
}

/** Lets a signal cancel a call; returns how to end that. */
function cancelledBy(signal: AbortSignal | undefined, call: Cancellable): () => void {
  const cancel = (): void => call.cancel();
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel);
  return () => signal?.removeEventListener('abort', cancel);
}

/** The responses of a stream. Leaving the loop early cancels the call. */
async function* receiveAll(
  signal: AbortSignal | undefined,
  begin: () => ClientReadableStream<AnyMessage> | ClientDuplexStream<Buffer, AnyMessage>,
): AsyncGenerator<AnyMessage> {
  const call = begin();
  const forget = cancelledBy(signal, call);
  // The cancellation below is reported too, when nobody listens any more.
  call.on('error', () => {});
  try {
    yield* call as AsyncIterable<AnyMessage>;
  } finally {
    forget();
    call.cancel();
  }
}

/** Sends requests no faster than they are taken. A failure of theirs cancels the call. */
async function sendAll(
  call: ClientWritableStream<Buffer> | ClientDuplexStream<Buffer, AnyMessage>,
  requests: AsyncIterable<AnyInit>,
  encode: (message: AnyInit) => Buffer,
): Promise<void> {
  let over = false;
  let wake = (): void => {};
  // A call that was answered or failed takes no more: neither 'drain' nor a write's callback comes.
  call.once('status', () => {
    over = true;
    wake();
  });
  try {
    for await (const request of requests) {
      if (over) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        call.write(encode(request), () => resolve());
      });
    }
    call.end();
  } catch {
    call.cancel();
  }
}

function metadataOf({ metadata = {} }: CallOptions): Metadata {
  const result = new Metadata();
  for (const [name, value] of Object.entries(metadata)) result.set(name, value);
  return result;
}

function grpcOptions({ deadline }: CallOptions): GrpcCallOptions {
  return deadline === undefined ? {} : { deadline };
}
