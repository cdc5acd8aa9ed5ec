import { type Clock, idleClock, type Timer } from '../../clock.ts';
import { TLS_FILES_LOOK_MS, TLS_HANDSHAKE_MS } from '../../limits.ts';
import type { ServerLog } from '../server-log.ts';
import { lookAtTlsFiles, readTlsFiles, type TlsFiles } from './tls-files.ts';
import { endOf, type TlsMaterial, tlsMaterial } from './tls-material.ts';

/** What listeners end TLS with, as the files of it have it. */
export interface TlsSource {
  /** The last that was good. */
  readonly current: TlsMaterial;
  /** Whether there are authorities whose clients can be told by their certificates. */
  readonly knowsClients: boolean;
  /** Milliseconds that a handshake may take. */
  readonly handshakeMs: number;
  readonly logger: Pick<ServerLog, 'debug'>;
  /** Tells of each that replaces another. Returns how to be told no more. */
  onReplaced(listener: (now: TlsMaterial, before: TlsMaterial) => void): () => void;
  /** Looks at the files no more. Idempotent. */
  close(): void;
}

/** How a {@link TlsSource} is opened. */
export interface TlsSourceOptions {
  readonly files: TlsFiles;
  readonly logger: ServerLog;
  /** Default: the machine's, whose timers keep no program from ending. */
  readonly clock?: Clock;
  /** Milliseconds that a handshake may take. Default: 10,000. */
  readonly handshakeMs?: number;
}

/**
 * Reads the files of TLS, and again when they have changed. While there is something on disk that
 * cannot be used, a certificate and the key of another for one, the last good one stays.
 *
 * @throws Error that says what is wrong with them
 */
export async function openTls(options: TlsSourceOptions): Promise<TlsSource> {
  const { files } = options;
  // Before they are read: what changes meanwhile shows at the next look.
  const { print } = await lookAtTlsFiles(files);
  return new WatchedTls(options, await materialOf(files), print);
}

async function materialOf(files: TlsFiles): Promise<TlsMaterial> {
  return tlsMaterial(files, await readTlsFiles(files));
}

class WatchedTls implements TlsSource {
  readonly handshakeMs: number;
  readonly logger: ServerLog;
  readonly #clock: Clock;
  readonly #files: TlsFiles;
  readonly #listeners = new Set<Parameters<TlsSource['onReplaced']>[0]>();
  #current: TlsMaterial;
  /** How the files looked before they were read the last time. */
  #seen: string;
  /** What is wrong with the files now, and what was at the look before. */
  #problem: string | undefined;
  #toldProblem: string | undefined;
  #toldEnd: TlsMaterial | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: TlsSourceOptions, material: TlsMaterial, seen: string) {
    this.#files = options.files;
    this.logger = options.logger;
    this.#clock = options.clock ?? idleClock;
    this.handshakeMs = options.handshakeMs ?? TLS_HANDSHAKE_MS;
    this.#current = material;
    this.#seen = seen;
    this.#tellOf(material);
    this.#lookLater();
  }

  get current(): TlsMaterial {
    return this.#current;
  }

  get knowsClients(): boolean {
    return this.#current.authorities.size > 0;
  }

  onReplaced(listener: Parameters<TlsSource['onReplaced']>[0]): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  #lookLater(): void {
    if (this.#closed) return;
    this.#timer = this.#clock.setTimer(TLS_FILES_LOOK_MS, () => void this.#look());
  }

  /** One at a time: the next is after the end of this one. It never rejects. */
  async #look(): Promise<void> {
    const { changedMs, print } = await lookAtTlsFiles(this.#files);
    // Two changes within a tick of the file system's clock look the same, so what has
    // changed a moment ago is read once more.
    const isFresh = changedMs > Date.now() - 2 * TLS_FILES_LOOK_MS;
    if (print !== this.#seen || isFresh) {
      this.#seen = print;
      await this.#readAgain();
    } else {
      this.#tellProblem(this.#problem);
    }
    this.#tellEnd();
    this.#lookLater();
  }

  async #readAgain(): Promise<void> {
    const before = this.#problem;
    try {
      const material = await materialOf(this.#files);
      this.#problem = undefined;
      this.#toldProblem = undefined;
      if (!this.#closed && material.digest !== this.#current.digest) this.#replace(material);
    } catch (error) {
      this.#problem = (error as Error).message;
      // A change that is under way is over at the next look.
      if (this.#problem === before) this.#tellProblem(before);
    }
  }

  #replace(material: TlsMaterial): void {
    const before = this.#current;
    this.#current = material;
    const { fingerprint256, validTo } = material.certificate;
    this.logger.info({ fingerprint: fingerprint256, validTo }, 'certificates were read again');
    this.#tellOf(material);
    for (const listener of [...this.#listeners]) listener(material, before);
  }

  #tellOf({ warnings }: TlsMaterial): void {
    for (const warning of warnings) this.logger.warn({ warning }, 'certificates');
    this.#tellEnd();
  }

  /** Once for each. */
  #tellProblem(problem: string | undefined): void {
    if (problem === undefined || problem === this.#toldProblem || this.#closed) return;
    this.#toldProblem = problem;
    this.logger.warn({ problem }, 'certificates cannot be used, the last good ones stay');
  }

  /** Once for each certificate, also if it ends while the server runs. */
  #tellEnd(): void {
    const { certificate } = this.#current;
    if (this.#toldEnd === this.#current || endOf(certificate) > Date.now()) return;
    this.#toldEnd = this.#current;
    this.logger.warn({ validTo: certificate.validTo }, 'the certificate of the server is over');
  }
}
