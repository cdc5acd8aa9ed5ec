import { type ServiceError, status } from '@grpc/grpc-js';
import type { Reason, StartStage } from '../errors.ts';
import { StartStage as StartStageEnum } from '../gen/runlet/v1/error_pb.ts';
import { callErrorDetails } from './call-error.ts';
import { type Refusal, RemoteError } from './errors.ts';
import { FileError, fileFailureInfo } from './files/file-error.ts';

/** What the server refused a call with: a `FileError` where it is about a file. */
export function remoteError(cause: ServiceError, message = cause.details): RemoteError {
  const { badRequest, fileFailure, info, sandboxFailure, startFailure } = callErrorDetails(cause);
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
  if (fileFailure === undefined) return new RemoteError(refusal);
  return new FileError(refusal, fileFailureInfo(fileFailure));
}
