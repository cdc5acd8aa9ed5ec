import { limitExceeded, RunletError } from '../errors.ts';
import { MAX_SESSION_UPLOADS } from '../limits.ts';
import type { Session } from '../session/session.ts';
import type { Asker } from '../turn-queue.ts';
import type { WriteFileArgs, WriteFileResult } from './agent/write-file.ts';
import { PlaceLocks } from './place-locks.ts';
import { Upload } from './upload.ts';
import type { FileOperations } from './workers/file-operations.ts';

/** An upload that has ended well. */
interface FinishedUpload {
  readonly fingerprint: string;
  readonly result: WriteFileResult;
}

/** How far an upload is. */
export interface UploadProgress {
  /** Bytes that were accepted. */
  readonly accepted: bigint;
  readonly finished: boolean;
}

/** What is written: undefined as `id`: it ends with its call. */
export interface UploadRequest {
  readonly id: string | undefined;
  readonly args: WriteFileArgs;
  readonly asker: Asker;
  /** What writes it. */
  readonly files: FileOperations;
  /** Tells its sandbox from others; undefined: it has none. */
  readonly sandbox: string | undefined;
}

/** What the uploads of all sessions share. */
interface Shared {
  readonly locks: PlaceLocks;
  /** Files that are themselves written to, where they have to have some version: by one at a time. */
  readonly written: Set<string>;
}

/** The uploads of all sessions. They are removed with these. */
export class Uploads {
  readonly #shared: Shared = { locks: new PlaceLocks(), written: new Set() };
  readonly #sessions = new WeakMap<Session, SessionUploads>();

  /** Those of a session. */
  of(session: Session): SessionUploads {
    const known = this.#sessions.get(session);
    if (known !== undefined) return known;
    const uploads = new SessionUploads(this.#shared);
    this.#sessions.set(session, uploads);
    session.whenOver(() => uploads.close());
    return uploads;
  }
}

/** The uploads of a session. */
export class SessionUploads {
  readonly #shared: Shared;
  /** Those under way, by id; those without by themselves. */
  readonly #live = new Map<string | symbol, Upload>();
  /** The last ones that have ended, the newest last. */
  readonly #finished = new Map<string, FinishedUpload>();

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /**
   * Begins an upload, or finds the one with this id; one that has ended answers what it did.
   *
   * @throws RunletError `REQUEST_MISMATCH`, `LIMIT_EXCEEDED`
   */
  open({ args, asker, files, id, sandbox }: UploadRequest): Upload | WriteFileResult {
    const fingerprint = fingerprintOf(args, sandbox);
    const known = id === undefined ? undefined : (this.#live.get(id) ?? this.#finished.get(id));
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint) throw new RunletError('REQUEST_MISMATCH');
      return known instanceof Upload ? known : known.result;
    }
    if (this.#live.size >= MAX_SESSION_UPLOADS) {
      throw limitExceeded('max_session_uploads', MAX_SESSION_UPLOADS);
    }
    const key = id ?? Symbol('upload');
    const { locks, written } = this.#shared;
    let claimed: string | undefined;
    const claim = (file: string): void => {
      if (written.has(file)) throw new RunletError('VERSION_MISMATCH');
      written.add(file);
      claimed = file;
    };
    const upload = new Upload({
      fingerprint,
      task: files.begin(asker, 'writeFile', args),
      locks,
      onOpen: args.ifVersion === '' ? undefined : claim,
      onEnd: (result) => {
        if (claimed !== undefined) written.delete(claimed);
        this.#live.delete(key);
        if (id !== undefined && result !== undefined) this.#remember(id, { fingerprint, result });
      },
    });
    this.#live.set(key, upload);
    return upload;
  }

  /** @throws RunletError `UPLOAD_NOT_FOUND` */
  progressOf(id: string): UploadProgress {
    const live = this.#live.get(id);
    if (live !== undefined) return { accepted: live.accepted, finished: false };
    const finished = this.#finished.get(id);
    if (finished === undefined) throw new RunletError('UPLOAD_NOT_FOUND');
    return { accepted: finished.result.bytes, finished: true };
  }

  /**
   * Ends one that is under way. Resolves when what it had is removed.
   *
   * @throws RunletError `UPLOAD_NOT_FOUND`
   */
  async abort(id: string): Promise<void> {
    const live = this.#live.get(id);
    if (live !== undefined) await live.drop();
    else if (!this.#finished.has(id)) throw new RunletError('UPLOAD_NOT_FOUND');
  }

  /** Ends all. */
  close(): void {
    for (const upload of [...this.#live.values()]) upload.abandon();
    this.#finished.clear();
  }

  #remember(id: string, finished: FinishedUpload): void {
    this.#finished.set(id, finished);
    const [oldest] = this.#finished.keys();
    if (this.#finished.size > MAX_SESSION_UPLOADS && oldest !== undefined) {
      this.#finished.delete(oldest);
    }
  }
}

/** Tells what is written, and how. */
function fingerprintOf(
  { sha256, size, ...args }: WriteFileArgs,
  sandbox: string | undefined,
): string {
  const hash = sha256 && Buffer.from(sha256).toString('hex');
  return JSON.stringify([
    args.path,
    args.disposition,
    args.mode,
    args.parents,
    args.ifVersion,
    args.sync,
    hash,
    size === undefined ? undefined : String(size),
    sandbox,
  ]);
}
