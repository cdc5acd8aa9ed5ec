import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** How much of something a message may have. */
export interface FieldBounds {
  /** Entries of one map. */
  readonly mapEntries: number;
  /** Fields, of messages in it too. */
  readonly fields: number;
}

/** Bytes of a message in which there cannot be enough to hold anybody up. */
const UNCOUNTED_BYTES = 16 * 1024;

/** A message that has more of something than is decoded in one step. */
export class FieldCountError extends Error {
  /** The path of what there is too much of; empty: of fields altogether. */
  readonly field: string;
  readonly maximum: number;

  constructor(field: string, maximum: number) {
    super(`more than ${maximum} entries`);
    this.name = 'FieldCountError';
    this.field = field;
    this.maximum = maximum;
  }
}

/**
 * Counts what an encoded message has, fields of messages in it included, before it is decoded:
 * that takes some microseconds for each entry of a map, in one step, and nobody else is
 * served meanwhile. Counting takes a hundredth of that. What is no valid message is left
 * to whoever decodes it.
 *
 * @throws FieldCountError
 */
export function assertFewFields(schema: DescMessage, bytes: Uint8Array, bounds: FieldBounds): void {
  if (bytes.byteLength <= UNCOUNTED_BYTES) return;
  const reader = new BinaryReader(bytes);
  let fields = 0;
  const count = (message: DescMessage, end: number, path: string): void => {
    const known = new Map(message.fields.map((field) => [field.number, field]));
    const entries = new Map<DescField, number>();
    while (reader.pos < end) {
      fields += 1;
      if (fields > bounds.fields) throw new FieldCountError('', bounds.fields);
      const [number, wireType] = reader.tag();
      const field = known.get(number);
      if (field?.fieldKind === 'map') {
        const more = (entries.get(field) ?? 0) + 1;
        if (more > bounds.mapEntries) {
          throw new FieldCountError(path + field.name, bounds.mapEntries);
        }
        entries.set(field, more);
      }
      const inner = field?.fieldKind === 'map' ? undefined : field?.message;
      if (wireType !== WireType.LengthDelimited || inner === undefined) {
        reader.skip(wireType, number);
        continue;
      }
      const innerEnd = reader.uint32() + reader.pos;
      count(inner, innerEnd, `${path}${field?.name}.`);
    }
  };
  try {
    count(schema, bytes.byteLength, '');
  } catch (error) {
    if (error instanceof FieldCountError) throw error;
  }
}
