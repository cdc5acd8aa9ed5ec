import type { Stats } from 'node:fs';
import { constants, open, stat } from 'node:fs/promises';
import { MAX_TLS_FILE_BYTES } from '../../limits.ts';

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

/**
 * Reads all of them.
 *
 * @throws Error that names the file, if one cannot be read, is none, is too large, or is a key that
 *   other users can write to
 */
export async function readTlsFiles(files: TlsFiles): Promise<TlsRead> {
  const warnings: string[] = [];
  const read = async (path: string | undefined): Promise<string | undefined> =>
    path === undefined ? undefined : readRegularFile(path);
  const checkKey = (found: Stats): void => {
    const warning = keyWarning(files.key, found);
    if (warning !== undefined) warnings.push(warning);
  };
  const texts = {
    cert: await readRegularFile(files.cert),
    key: await readRegularFile(files.key, checkKey),
    clientCa: await read(files.clientCa),
    clientCrl: await read(files.clientCrl),
  };
  return { texts, warnings };
}

/**
 * Whoever can write to the key can replace it, so that is refused. Reading it is another matter:
 * Kubernetes mounts secrets with mode 0644 unless it is told otherwise, in a file system that one
 * pod alone sees, and would not have a server start. So that is said in the log.
 */
function keyWarning(path: string, { mode }: Stats): string | undefined {
  if ((mode & 0o022) !== 0) throw new Error(`${path}: other users can write to the key`);
  return (mode & 0o004) === 0 ? undefined : `${path}: every user can read the key`;
}

/** What is checked is of the very file that is read, whatever is put into its place meanwhile. */
async function readRegularFile(
  path: string,
  check: (found: Stats) => void = () => {},
): Promise<string> {
  // Without waiting for somebody who writes to what may be a pipe.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      throw new Error(`${path}: it cannot be read (${error.code})`);
    },
  );
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error(`${path}: it is no file`);
    check(found);
    // One more, to see that there is more.
    const bytes = Buffer.alloc(Math.min(found.size, MAX_TLS_FILE_BYTES) + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > MAX_TLS_FILE_BYTES) {
      throw new Error(`${path}: it has more than ${MAX_TLS_FILE_BYTES} bytes`);
    }
    return bytes.toString('latin1', 0, length);
  } finally {
    await file.close();
  }
}

/** How files look from outside. */
export interface TlsLook {
  /** Changes with every file that is put into a place, also through links, and with most writes. */
  readonly print: string;
  /** When the last of them changed, in milliseconds since 1970; 0: none is there. */
  readonly changedMs: number;
}

/** Looks at files without reading them. */
export async function lookAtTlsFiles(files: TlsFiles): Promise<TlsLook> {
  const paths = [files.cert, files.key, files.clientCa, files.clientCrl];
  let changedMs = 0;
  let print = '';
  for (const path of paths) {
    if (path === undefined) continue;
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    if (found === undefined) {
      print += 'none;';
      continue;
    }
    const { ctimeMs, ctimeNs, dev, ino, size } = found;
    changedMs = Math.max(changedMs, Number(ctimeMs));
    print += `${dev}:${ino}:${size}:${ctimeNs};`;
  }
  return { print, changedMs };
}
