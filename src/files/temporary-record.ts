import { asPlaceholderRecord, type PlaceholderRecord } from '../sandbox/placeholder-record.ts';

/** What is told of a temporary name before anything has it. */
export interface TemporaryRecord {
  /** The path of the folder when it was taken: bytes in base64. */
  readonly folder: string;
  readonly name: string;
}

/** The names of files and folders that are made beside what they will be: 22 characters of chance. */
const TEMPORARY_NAME = /^\.runlet-[A-Za-z0-9_-]{22}$/;

/** The names of records, which have the same characters. */
export const RECORD_NAME = /^[A-Za-z0-9_-]{22}\.json$/;

/** A record as the text of a file. */
export function formatRecord(record: TemporaryRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** Undefined: the text is none. */
export function parseRecord(text: string): TemporaryRecord | PlaceholderRecord | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const folder: unknown = Reflect.get(parsed, 'folder');
  const name: unknown = Reflect.get(parsed, 'name');
  if (typeof folder !== 'string' || typeof name !== 'string') return asPlaceholderRecord(parsed);
  // Nothing is removed by a record that we could not have made.
  return TEMPORARY_NAME.test(name) ? { folder, name } : undefined;
}
