import type { BigIntStats } from 'node:fs';
import { assertOwnFile, assertUnwritable, type FileRead } from '../../read-file.ts';

/** The files that a server ends TLS with, all of them PEM. */
export interface TlsFiles {
  /** Its certificate, followed by those of authorities between it and one that clients trust. */
  readonly cert: string;
  /** The private key of its certificate, not encrypted. */
  readonly key: string;
  /** Authorities that sign the certificates of clients. Default: clients are not asked for one. */
  readonly clientCa?: string | undefined;
  /** What these have revoked; of each of them there has to be a list then. Default: nothing. */
  readonly clientCrl?: string | undefined;
}

/** What is in them, under the same names. */
export type TlsTexts = Readonly<Record<'cert' | 'key', string>> &
  Readonly<Record<'clientCa' | 'clientCrl', string | undefined>>;

/** The files with what is in them, and what an operator should know of them. */
export interface TlsRead {
  readonly texts: TlsTexts;
  readonly warnings: readonly string[];
}

/** What was read of them. */
export function tlsRead(files: TlsFiles, at: (path: string) => FileRead): TlsRead {
  // Comments around what is PEM may be of any encoding.
  const textOf = (path: string): string => at(path).bytes.toString('latin1');
  const { cert, clientCa, clientCrl, key } = files;
  return {
    texts: {
      cert: textOf(cert),
      key: textOf(key),
      clientCa: clientCa && textOf(clientCa),
      clientCrl: clientCrl && textOf(clientCrl),
    },
    warnings: canAllRead(at(key).stats) ? [`${key}: every user can read the key`] : [],
  };
}

/**
 * Whoever can write to the key can replace it, so that is refused. What says who is let in, the
 * authorities of clients and what they have revoked, has to be this user's or root's as well. Reading it is another matter:
 * Kubernetes mounts secrets with mode 0644 unless it is told otherwise, in a file system that one
 * pod alone sees, and would not have a server start. So that is said in the log.
 *
 * @throws Error if other users can write to such a file
 */
export function checkTlsFile(
  { clientCa, clientCrl, key }: TlsFiles,
  stats: BigIntStats,
  path: string,
): void {
  if (path === key) assertUnwritable(stats);
  if (path === clientCa || path === clientCrl) assertOwnFile(stats);
}

function canAllRead({ mode }: BigIntStats): boolean {
  return (mode & 0o004n) !== 0n;
}
