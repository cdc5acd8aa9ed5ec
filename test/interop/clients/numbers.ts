import { createHash } from 'node:crypto';
import type { ReaderFacts } from './protocol.ts';

/** What `seq 1 COUNT` prints. */
export const numbersTo = (count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, i) => `${i + 1}\n`).join(''));

const LINE = 'runlet runs, and a small stream runs\n';

/** A script that writes so many bytes, a line again and again. */
export const writesLines = (bytes: number): string => `yes '${LINE.trim()}' | head -c ${bytes}`;

/** What it writes. */
export const linesOf = (bytes: number): Buffer => Buffer.alloc(bytes, LINE);

/** The hash of some bytes, as readers tell it. */
export const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** How a script ends that does nothing else. */
export const END = { code: 0, reason: 'END_REASON_EXITED' };

/** What `closed` tells of a process that wrote to stdout alone. */
export const closedAfter = (stdout: number) => ({
  output_complete: true,
  totals: { stdout, stderr: 0 },
});

/** The facts of a reader that had all of stdout and nothing else, in large outputs. */
export function allOf(data: Uint8Array) {
  const stream = { bytes: data.length, missing: 0, exact: true, sha256: sha256(data) };
  return {
    kinds: ['started', 'output', 'exited', 'closed'],
    in_order: true,
    streams: { stdout: stream },
    exited: END,
    closed: closedAfter(data.length),
  };
}

/** How many events there were is up to the server. */
export function withoutSeq({ last_seq, ...facts }: ReaderFacts): Omit<ReaderFacts, 'last_seq'> {
  return facts;
}

/** Where a process pauses for its reader, the end of it may come before its last output. */
export function withoutKinds<F extends { readonly kinds: unknown }>({ kinds, ...facts }: F) {
  return facts;
}
