import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import type { BlockHeader, BlockPlace } from './block.ts';
import type { IoSlots } from './io-slots.ts';
import type { RunFolder } from './run-folder.ts';
import { Segment } from './segment.ts';
import { type EncodedRecord, encodeRecord, encodeSegmentHeader } from './segment-format.ts';
import { errnoNameOf, SpoolError, toSpoolError } from './spool-error.ts';
import type { SpoolFile, SpoolFiles } from './spool-files.ts';

/** The blocks of one process. */
export interface SpoolLog {
  /** Bytes of its files; of those that go, no longer. */
  readonly bytes: number;
  /**
   * Appends a block, whose bytes must not change before that is done. Appends are
   * done in the order of the calls. Of a block that could not be written in full
   * nothing is ever read, and it does no harm to later ones.
   *
   * @throws SpoolError
   */
  append(header: BlockHeader, payload: readonly Uint8Array[]): Promise<BlockPlace>;
  /**
   * The payload of a block.
   *
   * @throws SpoolError also if it is not what was written
   */
  read(place: BlockPlace): Promise<Buffer>;
  /**
   * A block is not needed any more. Reads of it that are under way still succeed.
   * Its file goes when all blocks in it were released. Idempotent.
   */
  release(place: BlockPlace): void;
  /**
   * Nothing is needed any more: its files go. What is just being done comes to its
   * end; what still waits for its turn is rejected with a SpoolError. Idempotent.
   */
  close(): void;
}

/** What the logs of a spool share. */
export interface SpoolRun {
  readonly folder: RunFolder;
  readonly files: SpoolFiles;
  readonly clock: Clock;
  /** Beyond it a new file is begun. */
  readonly segmentBytes: number;
  readonly writes: IoSlots;
  readonly reads: IoSlots;
  /** Told how many bytes the files of a log grew or shrank by. */
  readonly onBytes: (change: number) => void;
  /** Told of a log whose files and descriptors are gone. */
  readonly onEnd: (log: SegmentedLog) => void;
  /** Told of what went wrong in removing files, which nobody waits for. */
  readonly onProblem: (problem: unknown) => void;
}

class Block implements BlockPlace {
  readonly file: Segment;
  readonly position: number;
  readonly bytes: number;
  released = false;

  constructor(file: Segment, position: number, bytes: number) {
    this.file = file;
    this.position = position;
    this.bytes = bytes;
  }
}

/** A {@link SpoolLog} in segment files. */
export class SegmentedLog implements SpoolLog {
  readonly #run: SpoolRun;
  readonly #processId: string;
  /** Which of the spool's logs it is: begins the names of its files. */
  readonly #ordinal: number;
  #nextSegment = 0;
  /** The file that blocks are appended to, if there is one. */
  #current: Segment | undefined;
  /** Files that exist and are not going. */
  readonly #segments = new Set<Segment>();
  readonly #removals = new Set<Promise<void>>();
  /** Settled when all appends so far are. */
  #appends: Promise<unknown> = Promise.resolve();
  #bytes = 0;
  #ended: Promise<void> | undefined;

  constructor(run: SpoolRun, processId: string, ordinal: number) {
    this.#run = run;
    this.#processId = processId;
    this.#ordinal = ordinal;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async append(header: BlockHeader, payload: readonly Uint8Array[]): Promise<BlockPlace> {
    if (this.#ended !== undefined) throw new SpoolError('write', 'ECANCELED');
    const record = encodeRecord(header, payload);
    const appended = this.#appends.then(() =>
      this.#run.writes.run(this, () => this.#append(record)),
    );
    this.#appends = appended.catch(() => {});
    return appended;
  }

  async read(place: BlockPlace): Promise<Buffer> {
    const { file: segment, position, bytes, released } = toBlock(place);
    if (released) throw new SpoolError('read', 'ECANCELED');
    segment.enter();
    try {
      return await this.#run.reads.run(this, async () => {
        if (this.#ended !== undefined) throw new SpoolError('read', 'ECANCELED');
        return await segment.read(position, bytes);
      });
    } catch (error) {
      throw toSpoolError('read', error);
    } finally {
      segment.leave();
    }
  }

  release(place: BlockPlace): void {
    const block = toBlock(place);
    if (block.released) return;
    block.released = true;
    block.file.needed -= 1;
    this.#removeUnneeded(block.file);
  }

  close(): void {
    void this.end();
  }

  /** Closes it, and resolves when its files and descriptors are gone. Never rejects. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    for (const segment of this.#segments) {
      if (!segment.busy) this.#remove(segment);
    }
    await this.#appends;
    for (const segment of this.#segments) this.#remove(segment);
    await Promise.all(this.#removals);
    this.#run.onEnd(this);
  }

  async #append(record: EncodedRecord): Promise<BlockPlace> {
    if (this.#ended !== undefined) throw new SpoolError('write', 'ECANCELED');
    let segment: Segment | undefined;
    try {
      segment = await this.#segmentFor(record.bytes);
      const bytesBefore = segment.bytes;
      const position = await segment.append(record);
      segment.needed += 1;
      this.#count(segment.bytes - bytesBefore);
      return new Block(segment, position, record.bytes);
    } catch (error) {
      throw toSpoolError('write', error);
    } finally {
      if (segment !== undefined) {
        segment.busy = false;
        // It could not go while it was written to, whatever was released meanwhile.
        this.#removeUnneeded(segment);
      }
    }
  }

  /** The file that a block of so many bytes goes to, which is busy from then on. */
  async #segmentFor(bytes: number): Promise<Segment> {
    const current = this.#current;
    if (current !== undefined && !current.torn && current.bytes + bytes <= this.#run.segmentBytes) {
      current.busy = true;
      return current;
    }
    this.#current = undefined;
    const segment = await this.#begin();
    this.#current = segment;
    return segment;
  }

  async #begin(): Promise<Segment> {
    const { clock, folder } = this.#run;
    const number = this.#nextSegment++;
    const path = join(folder.path, `${this.#ordinal}-${number}.seg`);
    const header = encodeSegmentHeader({
      processId: this.#processId,
      segment: number,
      createdMs: clock.now(),
    });
    try {
      const segment = new Segment(path, await this.#create(path), header);
      segment.busy = true;
      this.#segments.add(segment);
      return segment;
    } catch (error) {
      throw toSpoolError('open', error);
    }
  }

  async #create(path: string): Promise<SpoolFile> {
    const { files, folder } = this.#run;
    try {
      return await files.create(path);
    } catch (error) {
      if (errnoNameOf(error) !== 'ENOENT') throw error;
      // Somebody removed the folder under the server.
      await folder.restore();
      return await files.create(path);
    }
  }

  #removeUnneeded(segment: Segment): void {
    if (segment.needed === 0 && !segment.busy) this.#remove(segment);
  }

  /** Removes a file, unless it is going already. */
  #remove(segment: Segment): void {
    if (!this.#segments.delete(segment)) return;
    if (segment === this.#current) this.#current = undefined;
    this.#count(-segment.bytes);
    const removal = this.#removeFile(segment).finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  /**
   * Takes turns with the writes, since removing a large file keeps a thread busy,
   * too. The disk is given back when both the name and the descriptor are gone.
   */
  async #removeFile(segment: Segment): Promise<void> {
    const { files, onProblem, writes } = this.#run;
    const close = (): Promise<void> => segment.close().catch(onProblem);
    const removed = await writes.run(this, async () => {
      await files.remove(segment.path).catch((error: unknown) => {
        if (errnoNameOf(error) !== 'ENOENT') onProblem(error);
      });
      if (!segment.isIdle) return false;
      await close();
      return true;
    });
    if (removed) return;
    await segment.idle();
    await writes.run(this, close);
  }

  #count(change: number): void {
    this.#bytes += change;
    this.#run.onBytes(change);
  }
}

function toBlock(place: BlockPlace): Block {
  if (!(place instanceof Block)) throw new TypeError('not a place that a spool gave');
  return place;
}
