import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { type ServiceError, status } from '@grpc/grpc-js';
import {
  type BadRequest,
  BadRequestSchema,
  type ErrorInfo,
  ErrorInfoSchema,
  type RetryInfo,
  RetryInfoSchema,
} from '../gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../gen/google/rpc/status_pb.ts';
import {
  type FileFailure,
  FileFailureSchema,
  type HttpFailure,
  HttpFailureSchema,
  type SandboxFailure,
  SandboxFailureSchema,
  type StartFailure,
  StartFailureSchema,
  type TunnelFailure,
  TunnelFailureSchema,
} from '../gen/runlet/v1/error_pb.ts';

/** What a failed call says for programs. Absent parts were not sent. */
export interface CallErrorDetails {
  readonly info: ErrorInfo | undefined;
  readonly badRequest: BadRequest | undefined;
  readonly retry: RetryInfo | undefined;
  readonly startFailure: StartFailure | undefined;
  readonly fileFailure: FileFailure | undefined;
  readonly sandboxFailure: SandboxFailure | undefined;
  readonly httpFailure: HttpFailure | undefined;
  readonly tunnelFailure: TunnelFailure | undefined;
}

/** Whether an error is what a failed call throws. */
export function isCallError(error: unknown): error is ServiceError {
  return error instanceof Error && 'metadata' in error && 'details' in error && 'code' in error;
}

/** Reads `grpc-status-details-bin` of a failed call. */
export function callErrorDetails(error: ServiceError): CallErrorDetails {
  const [header] = error.metadata.get('grpc-status-details-bin');
  const details = Buffer.isBuffer(header) ? fromBinary(StatusSchema, header).details : [];
  const unpack = <T>(read: (any: (typeof details)[number]) => T | undefined): T | undefined => {
    for (const detail of details) {
      const found = read(detail);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    info: unpack((any) => anyUnpack(any, ErrorInfoSchema)),
    badRequest: unpack((any) => anyUnpack(any, BadRequestSchema)),
    retry: unpack((any) => anyUnpack(any, RetryInfoSchema)),
    startFailure: unpack((any) => anyUnpack(any, StartFailureSchema)),
    fileFailure: unpack((any) => anyUnpack(any, FileFailureSchema)),
    sandboxFailure: unpack((any) => anyUnpack(any, SandboxFailureSchema)),
    httpFailure: unpack((any) => anyUnpack(any, HttpFailureSchema)),
    tunnelFailure: unpack((any) => anyUnpack(any, TunnelFailureSchema)),
  };
}

/** An error in one sentence for people: of a failed call, its message and typed reason. */
export function describeCallError(error: unknown): string {
  if (!isCallError(error)) return error instanceof Error ? error.message : String(error);
  const { info } = callErrorDetails(error);
  return `${error.details} (${info?.reason ?? status[error.code]})`;
}
