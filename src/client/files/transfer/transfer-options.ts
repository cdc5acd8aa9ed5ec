import {
  checkOptions,
  isFlag,
  isFunction,
  isSignal,
  type OptionChecks,
} from '../../check-options.ts';
import { isSandbox } from '../../sandbox.ts';
import type { FileCallOptions } from '../file-options.ts';

/** How far a transfer is. */
export interface TransferProgress {
  /** Bytes of files that were sent or have come. After a break it may be less than before. */
  readonly bytes: number;
  /** Bytes in all; undefined: that is not known, as of a folder. */
  readonly totalBytes: number | undefined;
  /** Files, folders and links that are done. */
  readonly files: number;
  /** The file that it is at, on this machine; with U+FFFD for what is not UTF-8. */
  readonly path: string;
}

/** How files are transferred. */
export interface TransferOptions extends FileCallOptions {
  /**
   * Whether files that are there are replaced. A folder never takes the place of a file, nor a file
   * that of a folder. Default: true.
   */
  readonly replace?: boolean;
  /** Told how far it is, as it goes on. Default: nobody. */
  readonly onProgress?: (progress: TransferProgress) => void;
}

/** What was transferred. */
export interface TransferResult {
  /** Files, folders and links. */
  readonly files: number;
  /** Bytes of files among them. */
  readonly bytes: number;
}

const CHECKS: OptionChecks<TransferOptions> = {
  signal: isSignal,
  sandbox: isSandbox,
  replace: isFlag,
  onProgress: isFunction,
};

/** Refuses what is wrong with the options of a transfer. @internal */
export function checkTransferOptions(of: 'upload' | 'download', options: TransferOptions): void {
  checkOptions(of, options, CHECKS);
}

/** Counts what is transferred, and tells it. @internal */
export class Tally {
  readonly #onProgress: TransferOptions['onProgress'];
  readonly totalBytes: number | undefined;
  bytes = 0;
  files = 0;

  constructor(onProgress: TransferOptions['onProgress'], totalBytes?: number) {
    this.#onProgress = onProgress;
    this.totalBytes = totalBytes;
  }

  get result(): TransferResult {
    return { files: this.files, bytes: this.bytes };
  }

  /** More bytes of a file, or all of it. */
  add(path: Buffer, bytes: number, files: number): void {
    this.bytes += bytes;
    this.files += files;
    if (this.#onProgress === undefined) return;
    const { totalBytes } = this;
    this.#onProgress({
      bytes: this.bytes,
      totalBytes,
      files: this.files,
      path: path.toString(),
    });
  }

  /** All is done anew. */
  reset(): void {
    this.bytes = 0;
    this.files = 0;
  }
}
