import { RunletError } from '../errors.ts';
import { WRITE_AHEAD_BYTES } from '../limits.ts';
import type { WriteFileInput, WriteFilePiece, WriteFileResult } from './agent/write-file.ts';
import { closeFence, type Fence, openFence } from './fence.ts';
import type { FaultMessage } from './file-fault.ts';
import type { PlaceLocks } from './place-locks.ts';
import { errorOfFault, type Steps, type TaskStep } from './workers/task.ts';
import { WriteQueue } from './write-queue.ts';

/** The operation of an upload. */
export type WriteTask = Steps<WriteFilePiece, WriteFileResult | undefined, WriteFileInput>;

/** What an upload is made with. */
export interface UploadOptions {
  /** Tells what is written, and how: the same for each call that goes on with it. */
  readonly fingerprint: string;
  readonly task: WriteTask;
  readonly locks: PlaceLocks;
  /**
   * The file that is itself written to is known. Undefined: nobody wants to.
   *
   * @throws RunletError where it may not be
   */
  readonly onOpen?: ((file: string) => void) | undefined;
  /** It is over: finished with this, or undefined where it is not. */
  readonly onEnd: (result: WriteFileResult | undefined) => void;
}

/** A call that goes on with an upload. */
export interface Uploader {
  /** Ends it, unless it is over. */
  fail(why: unknown): void;
}

/** A file that is being sent, by one call at a time. */
export class Upload {
  readonly fingerprint: string;
  readonly #options: UploadOptions;
  readonly #queue = new WriteQueue();
  #uploader: Uploader | undefined;
  /** Of the call that says it is finished, from then on. */
  #fence: Fence | undefined;
  #accepted = 0n;
  /** Resolves when it began, or rejects with why it could not. */
  readonly #ready: Promise<string>;
  /** What is done at the moment; never rejects. */
  #work: Promise<void> | undefined;
  #result: Promise<WriteFileResult | undefined> | undefined;
  #failure: unknown;
  #over = false;
  /** Those who wait that there is room, or nothing left to be written. */
  readonly #waiting = new Set<() => void>();

  constructor(options: UploadOptions) {
    this.#options = options;
    this.fingerprint = options.fingerprint;
    this.#ready = this.#begin();
    this.#ready.catch(() => {});
  }

  /** Bytes that were written. */
  get accepted(): bigint {
    return this.#accepted;
  }

  /**
   * Goes on with it in another call; the one before fails at once, and what it sent and is not
   * written is forgotten. Resolves when bytes may come, or with what was written where it ended
   * meanwhile.
   *
   * @throws RunletError why it could not begin
   */
  async resume(uploader: Uploader): Promise<WriteFileResult | undefined> {
    const before = this.#uploader;
    this.#leftBy(uploader);
    before?.fail(new RunletError('UPLOAD_SUPERSEDED'));
    await this.#ready;
    await this.#work;
    const result = await this.#result;
    if (result === undefined) this.#assertHas(uploader);
    return result;
  }

  /** A call is over. What it sent and is not written is forgotten. */
  leave(uploader: Uploader): void {
    if (this.#uploader === uploader) this.#leftBy(undefined);
  }

  /**
   * Takes bytes of a call, and resolves when it may send more.
   *
   * @throws RunletError `UPLOAD_OFFSET_GAP`; why it could not be written
   */
  async take(uploader: Uploader, offset: bigint, data: Uint8Array): Promise<void> {
    this.#assertHas(uploader);
    const expected = this.#accepted + BigInt(this.#queue.bytes);
    if (offset > expected) {
      await this.written(uploader);
      throw offsetGap(this.#accepted);
    }
    const known = expected - offset;
    if (known >= data.byteLength) return;
    this.#queue.push(known === 0n ? data : data.subarray(Number(known)));
    this.#write();
    await this.#until(uploader, () => this.#queue.bytes <= WRITE_AHEAD_BYTES);
  }

  /** Resolves when all that was taken is written. */
  written(uploader: Uploader): Promise<void> {
    return this.#until(uploader, () => this.#work === undefined);
  }

  /**
   * All was sent.
   *
   * @throws RunletError why it could not be done
   */
  async finish(uploader: Uploader): Promise<WriteFileResult> {
    await this.written(uploader);
    this.#result ??= this.#commit(uploader);
    const result = await this.#result;
    if (result === undefined) throw new RunletError('UPLOAD_SUPERSEDED');
    return result;
  }

  /** Gives it up. What has no place is removed; resolves when it is. Idempotent. */
  async drop(): Promise<void> {
    this.#uploader?.fail(new RunletError('UPLOAD_SUPERSEDED'));
    this.#leftBy(undefined);
    const { task } = this.#options;
    try {
      await this.#ready;
      await this.#work;
      await this.#result;
      if (!this.#over) await task.next('drop');
    } catch {
      // Then it is over in another way.
    } finally {
      this.#end(undefined);
    }
  }

  /** Gives it up without waiting for anything. */
  abandon(): void {
    this.#leftBy(undefined);
    this.#end(undefined);
  }

  async #begin(): Promise<string> {
    try {
      const piece = await this.#pieceOf(undefined);
      if (piece.kind !== 'ready') throw new RunletError('INTERNAL');
      if (piece.file !== undefined) this.#options.onOpen?.(piece.file);
      return piece.place;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** The call that goes on with it is another, or none: that before does nothing more. */
  #leftBy(next: Uploader | undefined): void {
    this.#uploader = next;
    this.#queue.clear();
    if (this.#fence !== undefined) closeFence(this.#fence);
    this.#wake();
  }

  /** Writes what waits. */
  #write(): void {
    this.#work ??= this.#writeAll().finally(() => {
      this.#work = undefined;
      this.#wake();
    });
  }

  async #writeAll(): Promise<void> {
    try {
      for (let data = this.#queue.take(); data !== undefined; data = this.#queue.take()) {
        const piece = await this.#pieceOf(data);
        if (piece.kind !== 'ready') this.#accepted = piece.bytes;
        this.#queue.done();
        if (piece.kind === 'refused') this.#refuse(piece.fault);
        this.#wake();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Undefined: the call that said so was over before it was its turn, and another may finish it. */
  async #commit(uploader: Uploader): Promise<WriteFileResult | undefined> {
    const { locks } = this.#options;
    try {
      const place = await this.#ready;
      return await locks.hold(place, async () => {
        if (this.#over || this.#uploader !== uploader) return undefined;
        const result = await this.#finished();
        if (result !== undefined) this.#end(result);
        return result;
      });
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      if (!this.#over) this.#result = undefined;
    }
  }

  async #finished(): Promise<WriteFileResult | undefined> {
    const finish = openFence();
    this.#fence = finish;
    let step = await this.#step({ finish });
    while (!step.done && step.piece === undefined) step = await this.#step(undefined);
    if (step.done) return step.result;
    if (step.piece?.kind === 'refused') this.#refuse(step.piece.fault);
    return undefined;
  }

  async #pieceOf(input: WriteFileInput | undefined): Promise<WriteFilePiece> {
    let step = await this.#step(input);
    while (!step.done && step.piece === undefined) step = await this.#step(undefined);
    if (step.done || step.piece === undefined) throw new RunletError('INTERNAL');
    return step.piece;
  }

  #step(
    input: WriteFileInput | undefined,
  ): Promise<TaskStep<WriteFilePiece, WriteFileResult | undefined>> {
    return this.#options.task.next(input);
  }

  async #until(uploader: Uploader, holds: () => boolean): Promise<void> {
    this.#assertHas(uploader);
    while (!holds()) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
      this.#assertHas(uploader);
    }
  }

  /** @throws RunletError where another call goes on with it, or it is over */
  #assertHas(uploader: Uploader): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#over || this.#uploader !== uploader) throw new RunletError('UPLOAD_SUPERSEDED');
  }

  /** The call fails; another may go on. */
  #refuse(fault: FaultMessage): void {
    const uploader = this.#uploader;
    this.#leftBy(undefined);
    uploader?.fail(errorOfFault(fault));
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#uploader?.fail(error);
    this.#queue.clear();
    this.#end(undefined);
  }

  #end(result: WriteFileResult | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.task.close();
    this.#wake();
    this.#options.onEnd(result);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

function offsetGap(accepted: bigint): RunletError {
  return new RunletError('UPLOAD_OFFSET_GAP', {
    metadata: { accepted_offset: String(accepted) },
  });
}
