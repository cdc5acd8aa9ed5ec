import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { assertFewFields, FieldCountError } from '../../src/bridge/field-count.ts';
import {
  type ProcessSpecSchema,
  StartProcessRequestSchema,
} from '../../src/gen/runlet/v1/process_pb.ts';
import { MAX_ENV_VARIABLES, MAX_MESSAGE_FIELDS } from '../../src/limits.ts';

type SpecInit = MessageInitShape<typeof ProcessSpecSchema>;

const requestWith = (spec: SpecInit): Uint8Array =>
  toBinary(StartProcessRequestSchema, create(StartProcessRequestSchema, { spec }));

const mapOf = (entries: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: entries }, (_, i) => [`key-${i}`, 'value']));

const BOUNDS = { mapEntries: MAX_ENV_VARIABLES, fields: MAX_MESSAGE_FIELDS };

/** What a message has too much of; undefined: nothing. */
function excessOf(bytes: Uint8Array): string | undefined {
  try {
    assertFewFields(StartProcessRequestSchema, bytes, BOUNDS);
    return undefined;
  } catch (error) {
    if (error instanceof FieldCountError) return error.field;
    throw error;
  }
}

describe('what a message has', () => {
  it('may be as much as is of use', () => {
    const env = mapOf(MAX_ENV_VARIABLES);
    const argv = Array<string>(MAX_MESSAGE_FIELDS - MAX_ENV_VARIABLES - 1).fill('');
    expect(excessOf(requestWith({ argv, env }))).toBeUndefined();
  });

  it.each<[string, SpecInit, string]>([
    ['entries of a map', { env: mapOf(MAX_ENV_VARIABLES + 1) }, 'spec.env'],
    [
      'entries of a map deeper in it',
      { envPolicy: { set: mapOf(MAX_ENV_VARIABLES + 1) } },
      'spec.env_policy.set',
    ],
    ['elements of a list', { argv: Array<string>(MAX_MESSAGE_FIELDS).fill('') }, ''],
  ])('is too much with too many %s', (_, spec, field) => {
    expect(excessOf(requestWith(spec))).toBe(field);
  });

  it('is too much with too many fields that nobody knows', () => {
    // Field 1000, a varint of 0.
    const unknown = Buffer.from([0xc0, 0x3e, 0]);
    expect(excessOf(Buffer.alloc((MAX_MESSAGE_FIELDS + 1) * 3, unknown))).toBe('');
  });

  it('is left to the decoder where it is no message', () => {
    const message = requestWith({ env: mapOf(MAX_ENV_VARIABLES) });
    for (let end = message.length - 9; end < message.length; end++) {
      expect(excessOf(message.subarray(0, end))).toBeUndefined();
    }
    expect(excessOf(Buffer.alloc(100_000, 0xff))).toBeUndefined();
  });
});
