import { createHash, randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  WriteDisposition,
  type WriteFileRequestSchema,
  type WriteFileResponse,
} from '../../gen/runlet/v1/file_pb.ts';
import type { CallTarget } from '../call-attempts.ts';
import { callFailure } from '../call-failure.ts';
import { RunletClientError } from '../client-error.ts';
import { joinSignals } from '../joined-signal.ts';
import { WRITE_DISPOSITIONS } from '../names.ts';
import { wholeBigInt } from '../numbers.ts';
import type { SystemText } from '../process-spec.ts';
import type { FileCalls } from './file-calls.ts';
import { isRefused } from './file-error.ts';
import { type FileInfo, fileInfo } from './file-info.ts';
import type { WriteOptions } from './file-options.ts';
import { pathFields } from './remote-path.ts';
import type { UploadSource } from './upload-source.ts';

/** How long one that gives up waits until the server has heard of it, in milliseconds. */
const ABORT_MS = 1_000;

/** Pauses between two questions for what was accepted, where it was not more, in milliseconds. */
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 250;

/** A file that was written. */
export interface WrittenFile extends FileInfo {
  /** The SHA-256 of what was written, 32 bytes. */
  readonly sha256: Uint8Array;
}

type Requests = AsyncGenerator<MessageInitShape<typeof WriteFileRequestSchema>>;

/** What a source failed of, which is no failure of the call that sends it. */
class SourceFailure extends Error {}

/**
 * Writes a file, over as many connections as it takes: each goes on where the server has it.
 * `onSent` is told how many bytes were sent so far, of which some may have to be sent again.
 *
 * @internal
 */
export async function writeFile(
  calls: FileCalls,
  path: SystemText,
  source: UploadSource,
  options: WriteOptions,
  onSent: (bytes: number) => void = () => {},
): Promise<WrittenFile> {
  const upload = new Upload(calls, path, source, options, onSent);
  try {
    return await upload.write();
  } finally {
    source.close();
  }
}

/** One upload, with an id by which the server knows it again. */
class Upload {
  readonly #calls: FileCalls;
  readonly #source: UploadSource;
  readonly #signal: AbortSignal | undefined;
  readonly #onSent: (bytes: number) => void;
  readonly #id = randomUUID();
  readonly #open: ReturnType<typeof openFields>;
  readonly #hash = createHash('sha256');
  /** Bytes that went into the hash. */
  #hashed = 0;
  #isBegun = false;

  constructor(
    calls: FileCalls,
    path: SystemText,
    source: UploadSource,
    options: WriteOptions,
    onSent: (bytes: number) => void,
  ) {
    this.#calls = calls;
    this.#source = source;
    this.#signal = options.signal;
    this.#onSent = onSent;
    this.#open = openFields(path, options, source.size);
  }

  async write(): Promise<WrittenFile> {
    try {
      const { file, sha256 } = await this.#calls.call(
        { idempotent: true, signal: this.#signal },
        (target, cameOn) => this.#attempt(target, cameOn),
      );
      if (!this.#hash.digest().equals(sha256)) {
        throw new RunletClientError('PROTOCOL', 'what the server has written is not what was sent');
      }
      return { ...fileInfo(file), sha256 };
    } catch (error) {
      await this.#abort();
      throw this.#source.failure?.error ?? error;
    }
  }

  async #attempt(target: CallTarget, cameOn: () => void): Promise<WriteFileResponse> {
    const { ids, options } = target;
    const position = this.#isBegun ? await this.#acceptedOf(target, cameOn) : 0;
    this.#isBegun = true;
    const over = new AbortController();
    const joined = joinSignals(options.signal, over.signal);
    const requests = this.#requests(ids, position);
    const call = { ...options, signal: joined.signal };
    const written = target.generation.uploads.files.writeFile(requests, call);
    // It is nobody's concern any more when what follows has failed.
    written.catch(() => {});
    try {
      return await Promise.race([written, this.#release(target, joined.signal, cameOn)]);
    } catch (error) {
      if (this.#source.failure !== undefined) throw new SourceFailure();
      throw error;
    } finally {
      over.abort();
      joined.release();
    }
  }

  async *#requests(ids: CallTarget['ids'], position: number): Requests {
    yield { request: { case: 'open', value: { ...ids, ...this.#open, uploadId: this.#id } } };
    let offset = position;
    for await (const data of this.#source.from(position)) {
      yield { request: { case: 'data', value: { offset: BigInt(offset), data } } };
      const end = offset + data.byteLength;
      if (end > this.#hashed) {
        this.#hash.update(data.subarray(this.#hashed - offset));
        this.#hashed = end;
        this.#onSent(end);
      }
      offset = end;
    }
    yield { request: { case: 'finish', value: {} } };
  }

  /** Lets the source forget what was accepted, whenever it keeps much. Never resolves. */
  async #release(target: CallTarget, signal: AbortSignal, cameOn: () => void): Promise<never> {
    for (let pauseMs = FIRST_PAUSE_MS; ; ) {
      await this.#source.wantsRelease();
      signal.throwIfAborted();
      const before = this.#source.start;
      await this.#acceptedOf(target, cameOn);
      const isMore = this.#source.start > before;
      pauseMs = isMore ? FIRST_PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      if (!isMore) await this.#calls.pause(pauseMs, signal);
      signal.throwIfAborted();
    }
  }

  /** How much the server has. */
  async #acceptedOf(target: CallTarget, cameOn: () => void): Promise<number> {
    const { generation, ids, options } = target;
    let position = 0;
    try {
      const request = { ...ids, uploadId: this.#id };
      position = Number(
        (await generation.control.files.getUpload(request, options)).acceptedOffset,
      );
    } catch (error) {
      const failure = callFailure(error);
      // It has not come to know of the upload yet.
      if (this.#source.start > 0 || failure.kind !== 'refused') throw error;
      if (!isRefused(failure.error, 'UPLOAD_NOT_FOUND')) throw error;
    }
    if (position > this.#source.start) cameOn();
    this.#source.release(position);
    return position;
  }

  /** Has the server forget what arrived, as far as that can be said soon. Never rejects. */
  async #abort(): Promise<void> {
    if (!this.#isBegun || this.#calls.link.lost !== undefined) return;
    // Behind the call that it ends, which may be on its way.
    const said = this.#calls.call({ idempotent: true }, ({ generation, ids, options }) =>
      generation.uploads.files.abortUpload({ ...ids, uploadId: this.#id }, options),
    );
    await this.#calls.within(said, ABORT_MS).catch(() => {});
  }
}

function openFields(path: SystemText, options: WriteOptions, size: number | undefined) {
  const { disposition, ifVersion = '', mode, parents = false, sha256, sync = false } = options;
  const known = options.size ?? size;
  return {
    ...pathFields('path', path),
    parents,
    sync,
    ifVersion,
    disposition:
      disposition === undefined
        ? WriteDisposition.UNSPECIFIED
        : WRITE_DISPOSITIONS.value(disposition),
    sha256: sha256 ?? new Uint8Array(),
    ...(mode === undefined ? {} : { mode }),
    ...(known === undefined ? {} : { size: wholeBigInt('size', known) }),
  };
}
