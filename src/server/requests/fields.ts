import { type Duration, durationMs } from '@bufbuild/protobuf/wkt';
import { invalidField } from '../../errors.ts';
import { Signal, SignalScope } from '../../gen/runlet/v1/signal_pb.ts';
import {
  DEFAULT_PAGE_SIZE,
  MAX_ID_BYTES,
  MAX_LABEL_KEY_BYTES,
  MAX_LABEL_VALUE_BYTES,
  MAX_LABELS,
  MAX_PAGE_SIZE,
} from '../../limits.ts';
import type { TerminalSize } from '../../process/launcher.ts';

/*
 * Checks of single fields. Each takes the field's path, for the error, and
 * returns the value as the core wants it.
 */

/** RFC 9562, any version and variant. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** C0 and C1 control characters and DEL. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

/** A UUID, in lower case. */
export function parseUuid(field: string, value: string): string {
  if (!UUID.test(value)) throw invalidField(field, 'must be a UUID');
  return value.toLowerCase();
}

/** An id that the client chose, or the empty string. */
export function parseOptionalId(field: string, value: string): string {
  if (Buffer.byteLength(value) > MAX_ID_BYTES) {
    throw invalidField(field, `must not be longer than ${MAX_ID_BYTES} bytes`);
  }
  if (CONTROL_CHARACTER.test(value)) {
    throw invalidField(field, 'must not contain control characters');
  }
  return value;
}

/** An id that must be there. */
export function parseId(field: string, value: string): string {
  if (value === '') throw invalidField(field, 'is required');
  return parseOptionalId(field, value);
}

/** A span in milliseconds, not negative and at most `maxMs`; undefined if absent. */
export function parseDuration(
  field: string,
  value: Duration | undefined,
  maxMs = Number.POSITIVE_INFINITY,
): number | undefined {
  if (value === undefined) return undefined;
  if (value.seconds < 0n || value.nanos < 0) throw invalidField(field, 'must not be negative');
  const ms = durationMs(value);
  if (ms > maxMs) throw invalidField(field, `must be at most ${maxMs / 1000} s`);
  return ms;
}

/** A position or count, which must be exact as a JavaScript number. */
export function parseUint64(field: string, value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidField(field, 'is too large');
  return Number(value);
}

/** A value of an enum, by a table of those that are known. */
export function parseEnum<T>(field: string, value: number, known: Readonly<Record<number, T>>): T {
  const parsed = known[value];
  if (parsed === undefined) throw invalidField(field, `has the unknown value ${value}`);
  return parsed;
}

/** A position in stdin, or none. */
export function parseOffset(field: string, offset: bigint | undefined): number | undefined {
  return offset === undefined ? undefined : parseUint64(field, offset);
}

/** Whom a signal reaches. */
export const SIGNAL_SCOPES = {
  [SignalScope.UNSPECIFIED]: 'group',
  [SignalScope.GROUP]: 'group',
  [SignalScope.LEADER]: 'leader',
  [SignalScope.TREE]: 'tree',
} as const;

/** A signal, which must be named, and whom it reaches. `path` is where its fields are. */
export function parseSignal(
  path: string,
  { scope, signal }: { readonly signal: Signal; readonly scope: SignalScope },
): { readonly signal: number; readonly scope: (typeof SIGNAL_SCOPES)[SignalScope] } {
  const prefix = path === '' ? '' : `${path}.`;
  if (signal === Signal.UNSPECIFIED) throw invalidField(`${prefix}signal`, 'is required');
  parseEnum(`${prefix}signal`, signal, Signal);
  return { signal, scope: parseEnum(`${prefix}scope`, scope, SIGNAL_SCOPES) };
}

/** The size of a terminal, 80 columns and 24 rows where nothing is said. */
export function parseTerminalSize(
  field: string,
  size: { readonly columns: number; readonly rows: number } | undefined,
): TerminalSize {
  const { columns = 0, rows = 0 } = size ?? {};
  for (const [name, value] of Object.entries({ columns, rows })) {
    if (value > 0xffff) throw invalidField(`${field}.${name}`, 'must be at most 65535');
  }
  return { columns: columns || 80, rows: rows || 24 };
}

/** Labels. */
export function parseLabels(
  field: string,
  labels: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const entries = Object.entries(labels);
  if (entries.length > MAX_LABELS) throw invalidField(field, `more than ${MAX_LABELS} labels`);
  for (const [key, value] of entries) {
    if (key === '' || Buffer.byteLength(key) > MAX_LABEL_KEY_BYTES) {
      throw invalidField(field, `a key must have 1 to ${MAX_LABEL_KEY_BYTES} bytes`);
    }
    if (Buffer.byteLength(value) > MAX_LABEL_VALUE_BYTES) {
      throw invalidField(field, `a value must have at most ${MAX_LABEL_VALUE_BYTES} bytes`);
    }
  }
  return new Map(entries);
}

/** How many entries a page shall have. */
export function parsePageSize(field: string, value: number): number {
  if (value < 0) throw invalidField(field, 'must not be negative');
  return value === 0 ? DEFAULT_PAGE_SIZE : Math.min(value, MAX_PAGE_SIZE);
}

/** The place after which a page begins; 0 for the first. */
export function parsePageToken(field: string, token: string): number {
  if (token === '') return 0;
  const place = Number.parseInt(token, 36);
  if (!(place >= 0) || formatPageToken(place) !== token)
    throw invalidField(field, 'is not one of this server');
  return place;
}

/** The token of the page that begins after a place. Opaque to clients. */
export function formatPageToken(place: number): string {
  return place.toString(36);
}
