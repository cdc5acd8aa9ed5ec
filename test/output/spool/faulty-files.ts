import { setImmediate as turn } from 'node:timers/promises';
import {
  type SpoolFile,
  type SpoolFiles,
  systemFiles,
} from '../../../src/output/spool/spool-files.ts';

/** What can be made to fail. */
export type FaultyOperation = 'create' | 'write' | 'read' | 'truncate' | 'remove' | 'close';

interface Fault {
  readonly code: string;
  /** Of a write or read: bytes that still get through. */
  bytesBefore: number;
}

/** What runs in a slot for reads; all else has one for writes. */
const isRead = (operation: FaultyOperation): boolean => operation === 'read';

/** The files of the machine, with faults and delays that a test asks for. */
export class FaultyFiles implements SpoolFiles {
  /** Bytes that one write or read does at most. */
  chunkBytes = Number.POSITIVE_INFINITY;
  /** The most operations that were under way at one time. */
  readonly peak = { reads: 0, writes: 0 };
  readonly #underWay = { reads: 0, writes: 0 };
  readonly #faults = new Map<FaultyOperation, Fault>();
  #held: Promise<void> | undefined;
  #letGo = (): void => {};

  /** Lets the next such operation fail; a write or read after some bytes were done. */
  failNext(operation: FaultyOperation, code: string, bytesBefore = 0): void {
    this.#faults.set(operation, { code, bytesBefore });
  }

  /** Takes back all faults. */
  heal(): void {
    this.#faults.clear();
    this.chunkBytes = Number.POSITIVE_INFINITY;
  }

  /** Holds every operation that begins until {@link resume}. */
  pause(): void {
    this.#held = new Promise((resolve) => {
      this.#letGo = resolve;
    });
  }

  resume(): void {
    this.#held = undefined;
    this.#letGo();
  }

  /** Resolves when so many are under way. */
  async busy(kind: 'reads' | 'writes', count: number): Promise<void> {
    while (this.#underWay[kind] < count) await turn();
  }

  /** Resolves when nothing is under way and nothing follows from what was. */
  async quiet(): Promise<void> {
    do await turn();
    while (this.#underWay.reads + this.#underWay.writes > 0);
  }

  async create(path: string): Promise<SpoolFile> {
    return await this.#run('create', async () => {
      this.#mayFail('create');
      return this.#wrap(await systemFiles.create(path));
    });
  }

  remove(path: string): Promise<void> {
    return this.#run('remove', async () => {
      this.#mayFail('remove');
      await systemFiles.remove(path);
    });
  }

  #wrap(file: SpoolFile): SpoolFile {
    return {
      write: (pieces, position) =>
        this.#run('write', () => {
          const bytes = this.#allowed('write');
          const all = Buffer.concat(pieces);
          return file.write(bytes < all.byteLength ? [all.subarray(0, bytes)] : pieces, position);
        }),
      read: (target, position) =>
        this.#run('read', () => file.read(target.subarray(0, this.#allowed('read')), position)),
      truncate: (length) =>
        this.#run('truncate', async () => {
          this.#mayFail('truncate');
          await file.truncate(length);
        }),
      close: () =>
        this.#run('close', async () => {
          await file.close();
          this.#mayFail('close');
        }),
    };
  }

  async #run<T>(operation: FaultyOperation, act: () => Promise<T>): Promise<T> {
    const kind = isRead(operation) ? 'reads' : 'writes';
    this.#underWay[kind] += 1;
    this.peak[kind] = Math.max(this.peak[kind], this.#underWay[kind]);
    try {
      await this.#held;
      return await act();
    } finally {
      this.#underWay[kind] -= 1;
    }
  }

  #mayFail(operation: FaultyOperation): void {
    const fault = this.#faults.get(operation);
    if (fault === undefined) return;
    this.#faults.delete(operation);
    throw Object.assign(new Error(`${fault.code}: a fault of the test`), { code: fault.code });
  }

  /** How many bytes a write or read may do now, at least 1. */
  #allowed(operation: FaultyOperation): number {
    const fault = this.#faults.get(operation);
    if (fault === undefined) return this.chunkBytes;
    if (fault.bytesBefore <= 0) this.#mayFail(operation);
    const bytes = Math.min(this.chunkBytes, fault.bytesBefore);
    fault.bytesBefore -= bytes;
    return bytes;
  }
}
