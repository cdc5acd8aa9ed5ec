import type { OutgoingHttpHeaders } from 'node:http2';
import { create, type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { type Any, anyPack, durationFromMs } from '@bufbuild/protobuf/wkt';
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import {
  ERROR_DOMAIN,
  type HttpStage,
  REASONS,
  RunletError,
  type StartStage,
  type TunnelStage,
} from '../errors.ts';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from '../gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../gen/google/rpc/status_pb.ts';
import {
  FileFailureSchema,
  HttpFailureSchema,
  HttpStage as ProtoHttpStage,
  StartStage as ProtoStartStage,
  TunnelStage as ProtoTunnelStage,
  SandboxFailureSchema,
  StartFailureSchema,
  TunnelFailureSchema,
} from '../gen/runlet/v1/error_pb.ts';
import { fileFailureMessage } from './file-messages.ts';

/** What a service that is not runlet's own answers, which has no typed reasons. */
export class PlainError extends Error {
  /** The status code. */
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

/** Where gRPC carries the details of a status. */
const DETAILS_HEADER = 'grpc-status-details-bin';

/** Characters of a message that go over the wire; it travels in a header. */
const MAX_MESSAGE_LENGTH = 1024;

const STAGES: Readonly<Record<StartStage, ProtoStartStage>> = {
  CWD: ProtoStartStage.CWD,
  PROGRAM: ProtoStartStage.PROGRAM,
  TERMINAL: ProtoStartStage.TERMINAL,
  SPAWN: ProtoStartStage.SPAWN,
  SANDBOX: ProtoStartStage.SANDBOX,
};

const HTTP_STAGES: Readonly<Record<HttpStage, ProtoHttpStage>> = {
  DNS: ProtoHttpStage.DNS,
  CONNECT: ProtoHttpStage.CONNECT,
  TLS: ProtoHttpStage.TLS,
  REQUEST: ProtoHttpStage.REQUEST,
  HEADER: ProtoHttpStage.HEADER,
  BODY: ProtoHttpStage.BODY,
  REDIRECT: ProtoHttpStage.REDIRECT,
  TIMEOUT: ProtoHttpStage.TIMEOUT,
  DENIED: ProtoHttpStage.DENIED,
};

const TUNNEL_STAGES: Readonly<Record<TunnelStage, ProtoTunnelStage>> = {
  RESOLVE: ProtoTunnelStage.RESOLVE,
  CONNECT: ProtoTunnelStage.CONNECT,
  TIMEOUT: ProtoTunnelStage.TIMEOUT,
  DENIED: ProtoTunnelStage.DENIED,
  LISTEN: ProtoTunnelStage.LISTEN,
  NAMESPACE: ProtoTunnelStage.NAMESPACE,
};

/**
 * The status that a call ends with for an error: the one place where the two
 * meet. An error that was not thrown on purpose tells the client nothing.
 */
export function toStatus(error: unknown): Partial<StatusObject> {
  if (error instanceof PlainError) return { code: error.code, details: tellable(error.message) };
  const known = error instanceof RunletError ? error : new RunletError('INTERNAL');
  const code = status[REASONS[known.reason].status];
  const message = tellable(known.message);
  const details = create(StatusSchema, { code, message, details: detailsOf(known) });
  const metadata = new Metadata();
  metadata.set(DETAILS_HEADER, Buffer.from(toBinary(StatusSchema, details)));
  return { code, details: message, metadata };
}

/** The status for an error as HTTP/2 carries it where there is nothing else to answer. */
export function statusHeaders(error: unknown): OutgoingHttpHeaders {
  const { code, details = '', metadata } = toStatus(error);
  return {
    ...metadata?.toHttp2Headers(),
    ':status': 200,
    'content-type': 'application/grpc+proto',
    'grpc-status': code,
    'grpc-message': encodeURI(details),
  };
}

/** What may go over the wire: a lone surrogate would throw in grpc-js's way to the trailers. */
function tellable(message: string): string {
  return message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed();
}

function detailsOf({ details, reason }: RunletError): Any[] {
  const {
    fileFailure,
    httpFailure,
    metadata = {},
    retryAfterMs,
    sandboxFailure,
    startFailure,
    tunnelFailure,
    violations,
  } = details;
  const packed = [
    pack(ErrorInfoSchema, { reason, domain: ERROR_DOMAIN, metadata: { ...metadata } }),
  ];
  if (violations !== undefined) {
    packed.push(pack(BadRequestSchema, { fieldViolations: [...violations] }));
  }
  if (retryAfterMs !== undefined) {
    packed.push(pack(RetryInfoSchema, { retryDelay: durationFromMs(retryAfterMs) }));
  }
  if (startFailure !== undefined) {
    const { errnoName, message, stage } = startFailure;
    packed.push(pack(StartFailureSchema, { stage: STAGES[stage], errnoName, message }));
  }
  if (fileFailure !== undefined) {
    packed.push(pack(FileFailureSchema, fileFailureMessage(reason, fileFailure)));
  }
  if (sandboxFailure !== undefined) packed.push(pack(SandboxFailureSchema, { ...sandboxFailure }));
  if (httpFailure !== undefined) {
    const { stage, ...rest } = httpFailure;
    packed.push(pack(HttpFailureSchema, { stage: HTTP_STAGES[stage], ...tellableTexts(rest) }));
  }
  if (tunnelFailure !== undefined) {
    const { stage, ...rest } = tunnelFailure;
    packed.push(pack(TunnelFailureSchema, { stage: TUNNEL_STAGES[stage], ...tellableTexts(rest) }));
  }
  return packed;
}

/** Those of a failure, which may come from elsewhere. */
function tellableTexts<T extends Readonly<Record<string, string>>>(texts: T): T {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, tellable(text)])) as T;
}

function pack<S extends DescMessage>(schema: S, init: Parameters<typeof create<S>>[1]): Any {
  return anyPack(schema, create(schema, init) as MessageShape<S>);
}
