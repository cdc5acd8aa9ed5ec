import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Clock, Timer } from '../../clock.ts';
import { JWKS_FILE_LOOK_MS, MAX_JWKS_BYTES } from '../../limits.ts';
import { type KeySet, parseKeySet } from './key-set.ts';
import { type KeyLog, type KeySource, whyNot } from './key-source.ts';

/**
 * How long after a file was written it may be written again without looking otherwise: file
 * systems tell times of some milliseconds to two seconds.
 */
const TICK_MS = 2_000;

/** Bits of a mode that let others write. */
const OTHERS_WRITE = 0o022;

/** Which file, in which state: another one behind the same links has another. */
type Version = string;

/** What was read of a file. */
interface Read {
  readonly text: string;
  /** Undefined: it may change without that being seen. */
  readonly version: Version | undefined;
}

/** How a file of keys is read. */
export interface KeyFileOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: KeyLog;
}

/**
 * Keys from a file. It is looked at every second, by its name, so that one which takes its
 * place, or that a link leads to, is seen. While there is none that is good, the last good one
 * stays in force.
 *
 * @throws Error that says what is wrong with the file now
 */
export async function openKeyFile(options: KeyFileOptions): Promise<KeySource> {
  const { path } = options;
  const read = await readKeys(path).catch((error: unknown) => {
    throw new Error(`${path}: ${whyNot(error)}`);
  });
  return new KeyFile(options, read, parse(path, read.text));
}

function parse(path: string, text: string): KeySet {
  try {
    return parseKeySet(text);
  } catch (error) {
    throw new Error(`${path}: ${whyNot(error)}`);
  }
}

class KeyFile implements KeySource {
  readonly #options: KeyFileOptions;
  #read: Read;
  #keys: KeySet;
  /** What was said last of a file that is not good; undefined: it is. */
  #trouble: string | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: KeyFileOptions, read: Read, keys: KeySet) {
    this.#options = options;
    this.#read = read;
    this.#keys = keys;
    this.#schedule();
  }

  current(): KeySet {
    return this.#keys;
  }

  /** It is looked at often enough. */
  refresh(): undefined {
    return undefined;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.setTimer(JWKS_FILE_LOOK_MS, () => {
      void this.#look().then(() => this.#schedule());
    });
  }

  async #look(): Promise<void> {
    const { log, path } = this.#options;
    try {
      const { version } = this.#read;
      if (version !== undefined && version === (await versionAt(path))) return this.#isGood();
      const read = await readKeys(path);
      if (read.text !== this.#read.text) {
        this.#keys = parseKeySet(read.text);
        log.info({ path, keys: this.#keys.size }, 'the keys of JWTs were read again');
      }
      this.#read = read;
      this.#isGood();
    } catch (error) {
      const why = whyNot(error);
      if (why === this.#trouble) return;
      this.#trouble = why;
      log.warn({ path, why }, 'the keys of JWTs cannot be read; the last good ones stay in force');
    }
  }

  #isGood(): void {
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    this.#options.log.info({ path: this.#options.path }, 'the keys of JWTs can be read again');
  }
}

async function versionAt(path: string): Promise<Version> {
  return versionOf(await stat(path, { bigint: true }));
}

function versionOf(
  found: Readonly<Record<'ctimeNs' | 'dev' | 'ino' | 'mtimeNs' | 'size', bigint>>,
) {
  const { ctimeNs, dev, ino, mtimeNs, size } = found;
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

/** Reads a file that nobody but this user and root can write to: whoever can is let in as anybody. */
async function readKeys(path: string): Promise<Read> {
  // One that is a pipe would be waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat({ bigint: true });
    if (!found.isFile()) throw new Error('it is no file');
    const uid = Number(found.uid);
    if (uid !== 0 && uid !== process.getuid?.()) throw new Error('it belongs to another user');
    if ((Number(found.mode) & OTHERS_WRITE) !== 0) {
      throw new Error('it can be written to by other users');
    }
    const text = await readAll(file);
    const isSettled = Date.now() - Number(found.ctimeMs) > TICK_MS;
    return { text, version: isSettled ? versionOf(found) : undefined };
  } finally {
    await file.close();
  }
}

/** All of a file, which may grow meanwhile. */
async function readAll(file: FileHandle): Promise<string> {
  const bytes = Buffer.alloc(MAX_JWKS_BYTES + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
    length += bytesRead;
    if (length > MAX_JWKS_BYTES) throw new Error(`it has more than ${MAX_JWKS_BYTES} bytes`);
    if (bytesRead === 0) return bytes.toString('utf8', 0, length);
  }
}
