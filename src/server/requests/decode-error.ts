import { FieldCountError } from '../../bridge/field-count.ts';
import { invalidField, RunletError } from '../../errors.ts';

/** What a caller is told whose request cannot be decoded, or is not, since it has too much of a field. */
export function decodeError(cause: unknown): RunletError {
  if (cause instanceof FieldCountError) return invalidField(cause.field, cause.message);
  return new RunletError('INVALID_REQUEST', { message: 'the request cannot be decoded', cause });
}
