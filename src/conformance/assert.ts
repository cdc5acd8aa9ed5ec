import { inspect, isDeepStrictEqual } from 'node:util';
import { isMessage } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { type CallErrorDetails, callErrorDetails, isCallError } from '../client/call-error.ts';

/** A server that does not do what a check expects. */
export class ConformanceError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConformanceError';
  }
}

/** @throws ConformanceError that says `what` unless the condition holds */
export function ensure(condition: unknown, what: string): asserts condition {
  if (!condition) throw new ConformanceError(what);
}

/**
 * Compares deeply, messages by their fields.
 *
 * @throws ConformanceError that says of `what` which value was expected
 */
export function ensureEqual(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new ConformanceError(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

/**
 * Waits for a call to fail, and returns the details of its status.
 *
 * @param expected the status code, a slash and the reason: `NOT_FOUND/PROCESS_EVICTED`; of a
 *   failure without an `ErrorInfo`, the code alone
 * @throws ConformanceError if it succeeds or fails otherwise
 */
export async function ensureFails(
  call: Promise<unknown>,
  expected: string,
  what: string,
): Promise<CallErrorDetails> {
  const failure = await outcomeOf(call);
  ensureEqual(failure.summary, expected, what);
  return failure.details;
}

/**
 * Expects a call to fail as wrong in itself, and to name the field.
 *
 * @throws ConformanceError if it succeeds, fails otherwise, or names another field or none
 */
export async function ensureInvalid(
  call: Promise<unknown>,
  field: RegExp,
  what: string,
): Promise<void> {
  const { badRequest } = await ensureFails(call, 'INVALID_ARGUMENT/INVALID_REQUEST', what);
  const fields = badRequest?.fieldViolations.map((violation) => violation.field) ?? [];
  ensureEqual(
    fields.filter((name) => !field.test(name)),
    [],
    `the fields named for ${what} that are not meant`,
  );
  ensureEqual(fields.length > 0, true, `whether a field is named for ${what}`);
}

/**
 * Waits for calls to fail, all in the same way.
 *
 * @param calls the calls, which are under way, by the names that the error gives them
 * @param expected as for {@link ensureFails}
 * @throws ConformanceError that names the first which succeeds or fails otherwise
 */
export async function ensureAllFail(
  calls: Readonly<Record<string, Promise<unknown>>>,
  expected: string,
): Promise<void> {
  const outcomes = await Promise.all(Object.values(calls).map(outcomeOf));
  const names = Object.keys(calls);
  outcomes.forEach(({ summary }, i) => {
    ensureEqual(summary, expected, names[i] ?? '');
  });
}

/** How a call ended: `OK`, or the code and the reason of its failure. */
export async function outcomeOf(
  call: Promise<unknown>,
): Promise<{ readonly summary: string; readonly details: CallErrorDetails }> {
  try {
    await call;
  } catch (error) {
    if (!isCallError(error)) throw error;
    const details = callErrorDetails(error);
    const reason = details.info === undefined ? '' : `/${details.info.reason}`;
    return { summary: `${status[error.code]}${reason}`, details };
  }
  return { summary: 'OK', details: NO_DETAILS };
}

const NO_DETAILS: CallErrorDetails = {
  info: undefined,
  badRequest: undefined,
  retry: undefined,
  startFailure: undefined,
  fileFailure: undefined,
  sandboxFailure: undefined,
  httpFailure: undefined,
  tunnelFailure: undefined,
};

/** A value in one line. */
function show(value: unknown): string {
  const plain =
    typeof value === 'object' && value !== null && isMessage(value) ? { ...value } : value;
  return inspect(plain, { depth: 4, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 400 });
}
