import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { CallContext } from './call-context.ts';
import type { EncodedMessage } from './encoded-message.ts';

/** What a handler may answer with: a message, what one is made from, or one that is encoded already. */
export type Response<O extends DescMessage> = MessageInitShape<O> | EncodedMessage<O>;

/**
 * What has to be implemented for a service: a function for each of its methods.
 * One that is missing is a type error.
 */
export type ServiceImpl<S extends DescService> = {
  readonly [K in keyof S['method']]: MethodImpl<S['method'][K]>;
};

/** The function that implements a method, by its kind. */
export type MethodImpl<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, context: CallContext) => Response<O> | Promise<Response<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, context: CallContext) => AsyncIterable<Response<O>>
      : M extends DescMethodClientStreaming<infer I, infer O>
        ? (requests: AsyncIterable<MessageShape<I>>, context: CallContext) => Promise<Response<O>>
        : M extends DescMethodBiDiStreaming<infer I, infer O>
          ? (
              requests: AsyncIterable<MessageShape<I>>,
              context: CallContext,
            ) => AsyncIterable<Response<O>>
          : never;

/** The client of a service: a function for each of its methods. */
export type ServiceClient<S extends DescService> = {
  readonly [K in keyof S['method']]: MethodClient<S['method'][K]>;
};

/** The function that calls a method, by its kind. */
export type MethodClient<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: CallOptions) => AsyncIterable<MessageShape<O>>
      : M extends DescMethodClientStreaming<infer I, infer O>
        ? (
            requests: AsyncIterable<MessageInitShape<I>>,
            options?: CallOptions,
          ) => Promise<MessageShape<O>>
        : M extends DescMethodBiDiStreaming<infer I, infer O>
          ? (
              requests: AsyncIterable<MessageInitShape<I>>,
              options?: CallOptions,
            ) => AsyncIterable<MessageShape<O>>
          : never;

/** What may be said of a call beside its request. */
export interface CallOptions {
  /** Cancels the call when it aborts. */
  readonly signal?: AbortSignal;
  /** When the call fails with `DEADLINE_EXCEEDED`. Default: never. */
  readonly deadline?: Date;
  /** Request metadata, names in lower case. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The path of a method, as HTTP/2 carries it. */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Whether the client sends a stream of requests. */
export function streamsRequests(method: DescMethod): boolean {
  return method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming';
}

/** Whether the server sends a stream of responses. */
export function streamsResponses(method: DescMethod): boolean {
  return method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming';
}
