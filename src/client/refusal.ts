import { type ServiceError, status } from '@grpc/grpc-js';
import type { Reason, StartStage } from '../errors.ts';
import { StartStage as StartStageEnum } from '../gen/runlet/v1/error_pb.ts';
import { callErrorDetails } from './call-error.ts';
import { type Refusal, RemoteError } from './errors.ts';
import { FileError, fileFailureInfo } from './files/file-error.ts';
import {
  HttpError,
  httpFailureInfo,
  TunnelError,
  tunnelFailureInfo,
} from './network/network-error.ts';

/** What the server refused a call with: an error with more to tell where it is about a file, HTTP, or a connection. */
export function remoteError(cause: ServiceError, message = cause.details): RemoteError {
  const details = callErrorDetails(cause);
  const { badRequest, fileFailure, info, sandboxFailure, startFailure } = details;
  const { httpFailure, tunnelFailure } = details;
  const refusal: Refusal = {
    message,
    reason: info?.reason as Reason | undefined,
    status: status[cause.code],
    metadata: info?.metadata ?? {},
    startFailure: startFailure && {
      stage: StartStageEnum[startFailure.stage] as StartStage,
      errnoName: startFailure.errnoName,
      message: startFailure.message,
    },
    sandboxFailure: sandboxFailure && {
      step: sandboxFailure.step,
      errnoName: sandboxFailure.errnoName,
      message: sandboxFailure.message,
    },
    violations: (badRequest?.fieldViolations ?? []).map(({ field, description }) => ({
      field,
      description,
    })),
    cause,
  };
  if (fileFailure !== undefined) return new FileError(refusal, fileFailureInfo(fileFailure));
  if (httpFailure !== undefined) return new HttpError(refusal, httpFailureInfo(httpFailure));
  if (tunnelFailure !== undefined)
    return new TunnelError(refusal, tunnelFailureInfo(tunnelFailure));
  return new RemoteError(refusal);
}
