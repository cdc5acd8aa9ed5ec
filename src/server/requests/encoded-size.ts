import type { ProcessStreams } from '../../process/process-record.ts';
import type { Session } from '../../session/session.ts';
import { bytesOfText, isPlain } from '../../system-text.ts';
import { MAX_MODES_BYTES } from '../../terminal-modes.ts';

/* How many bytes parts of answers take, as they are encoded: what has no bytes of its own, too. */

/** Bytes of the fields of a session or process that have a fixed size, or ids of at most 128. */
const FIXED_BYTES = 512;

/** Bytes of how a terminal is. */
const TERMINAL_BYTES = 32 + MAX_MODES_BYTES;

const knownArgvBytes = new WeakMap<readonly string[], number>();

/** Bytes of a process in an answer at most. Looked up for one that was asked for before. */
export function processBytes(process: {
  readonly argv: readonly string[];
  readonly labels: ReadonlyMap<string, string>;
  readonly streams?: ProcessStreams;
}): number {
  const { argv, labels, streams } = process;
  let bytes = knownArgvBytes.get(argv);
  if (bytes === undefined) {
    bytes = argvBytes(argv);
    knownArgvBytes.set(argv, bytes);
  }
  const fixedBytes = FIXED_BYTES + (streams?.[0] === 'terminal' ? TERMINAL_BYTES : 0);
  return fixedBytes + bytes + labelsBytes(labels);
}

/** Bytes of a session in an answer at most. */
export function sessionBytes({ labels, owner }: Pick<Session, 'labels' | 'owner'>): number {
  return FIXED_BYTES + fieldBytes(Buffer.byteLength(owner)) + labelsBytes(labels);
}

/** Bytes of a command line, which is told as texts and, where these are not all of it, as bytes. */
export function argvBytes(argv: readonly string[]): number {
  let bytes = stringsBytes(argv);
  if (argv.every(isPlain)) return bytes;
  // The tag of the field from 16 on has another byte.
  for (const text of argv) bytes += 1 + fieldBytes(bytesOfText(text).length);
  return bytes;
}

/** Bytes of a repeated string. */
function stringsBytes(strings: readonly string[]): number {
  let bytes = 0;
  for (const text of strings) bytes += fieldBytes(Buffer.byteLength(text));
  return bytes;
}

function labelsBytes(labels: ReadonlyMap<string, string>): number {
  let bytes = 0;
  for (const entry of labels) bytes += fieldBytes(stringsBytes(entry));
  return bytes;
}

/** With the tag, of a field below 16, and the length. */
function fieldBytes(length: number): number {
  let bytes = 2 + length;
  for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}
