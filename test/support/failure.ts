import { type ServiceError, status } from '@grpc/grpc-js';
import {
  type CallErrorDetails,
  callErrorDetails,
  isCallError,
} from '../../src/client/call-error.ts';

/** How a call failed: `NOT_FOUND/PROCESS_EVICTED`, and all that it said. */
export interface Failure extends CallErrorDetails {
  readonly summary: string;
  readonly error: ServiceError;
}

/** The failure of a call, which must fail. */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  try {
    await call;
  } catch (error) {
    if (!isCallError(error)) throw error;
    const details = callErrorDetails(error);
    return { ...details, summary: `${status[error.code]}/${details.info?.reason}`, error };
  }
  throw new Error('the call succeeded');
}
