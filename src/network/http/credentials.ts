import type { BigIntStats } from 'node:fs';
import type { Clock } from '../../clock.ts';
import { invalidField } from '../../errors.ts';
import { MAX_CREDENTIAL_BYTES, MAX_CREDENTIALS, MIN_CREDENTIAL_BYTES } from '../../limits.ts';
import { assertOwnFile, type FileRead } from '../../read-file.ts';
import { type WatchedFiles, watchFiles } from '../../watched-files.ts';
import { type CredentialSpec, isBoundTo } from './credential-spec.ts';
import { type HttpCredentials, UNKNOWN_CREDENTIAL } from './http-credentials.ts';
import { httpDenied, targetOf } from './http-failure.ts';

/** Where it is said what becomes of their files. */
export interface CredentialsLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** What {@link openCredentials} needs. */
export interface CredentialsOptions {
  readonly specs: readonly CredentialSpec[];
  readonly clock: Clock;
  readonly log: CredentialsLog;
}

/** Credentials whose files are looked at. */
export interface OpenCredentials extends HttpCredentials {
  /**
   * Reads their files now.
   *
   * @throws Error that names the first of those that cannot be used, and says what is wrong with it
   */
  reload(): Promise<void>;
  /** Looks at their files no more. Idempotent. */
  close(): void;
}

interface Kept {
  readonly spec: CredentialSpec;
  readonly value: WatchedFiles<Buffer>;
}

/** The bits of a mode that let everybody read. */
const ALL_READ = 0o004n;

/**
 * Reads the credentials of a server, and each again when its file changes: while that cannot be
 * used, the last one that was good stays.
 *
 * @throws Error that names the credential, and says what is wrong with it; never its value
 */
export async function openCredentials(options: CredentialsOptions): Promise<OpenCredentials> {
  if (options.specs.length > MAX_CREDENTIALS) throw new Error(`more than ${MAX_CREDENTIALS}`);
  const kept = new Map<string, Kept>();
  const close = (): void => {
    for (const { value } of kept.values()) value.close();
  };
  try {
    for (const spec of options.specs) {
      if (kept.has(spec.name)) throw new Error('there is another one with this name');
      kept.set(spec.name, { spec, value: await watchValue(spec, options) });
    }
  } catch (error) {
    close();
    const failed = options.specs[kept.size];
    throw new Error(`the credential ${failed?.name}: ${(error as Error).message}`);
  }
  return {
    close,
    async reload() {
      const all = [...kept.values()].map(({ spec, value }) => {
        return value.reload().catch((error: Error) => {
          throw new Error(`the credential ${spec.name}: ${error.message}`);
        });
      });
      const failed = (await Promise.allSettled(all)).find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
    },
    names: () => [...kept.keys()],
    headerFor(name, url) {
      const found = kept.get(name);
      if (found === undefined) throw invalidField('head.credential', UNKNOWN_CREDENTIAL);
      const { spec, value } = found;
      if (!isBoundTo(spec.binding, url)) {
        const { host } = targetOf(url);
        const why =
          url.protocol === 'https:' ? 'is not bound to' : 'is sent over TLS alone, not to';
        throw httpDenied(`the credential ${why} ${host}`, url, `--http-credential ${name}`);
      }
      return { name: spec.header, value: value.current };
    },
  };
}

async function watchValue(
  { file, name }: CredentialSpec,
  { clock, log }: CredentialsOptions,
): Promise<WatchedFiles<Buffer>> {
  const warn = ({ mode }: BigIntStats): void => {
    if ((mode & ALL_READ) === 0n) return;
    log.warn({ credential: name, path: file }, 'every user can read the file of this credential');
  };
  return watchFiles<Buffer>({
    paths: [file],
    // With the end of its line.
    maxBytes: MAX_CREDENTIAL_BYTES + 2,
    check: assertOwnFile,
    parse(at) {
      const read = at(file);
      const value = parseValue(read);
      warn(read.stats);
      return value;
    },
    clock,
    onChange: () => log.info({ credential: name, path: file }, 'the credential was read again'),
    onProblem(problem) {
      if (problem === undefined) return;
      log.error(
        { credential: name, path: file, problem: problem.message },
        'the credential cannot be used as it is now; the one before stays',
      );
    },
  });
}

/** What a file says: a line, which may have an end. */
function parseValue({ bytes }: FileRead): Buffer {
  const value = Buffer.from(bytes.toString('latin1').replace(/\r?\n$/, ''), 'latin1');
  // A short one could be guessed, and would be found in answers that do not tell it.
  if (value.length < MIN_CREDENTIAL_BYTES) {
    throw new Error(`it has fewer than ${MIN_CREDENTIAL_BYTES} bytes`);
  }
  if (value.length > MAX_CREDENTIAL_BYTES) {
    throw new Error(`it has more than ${MAX_CREDENTIAL_BYTES} bytes`);
  }
  if (value.some((byte) => (byte < 0x20 && byte !== 0x09) || byte === 0x7f)) {
    throw new Error('it has control characters, or more than one line');
  }
  if (isSpace(value.at(0)) || isSpace(value.at(-1))) {
    throw new Error('it begins or ends with a space');
  }
  return value;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}
