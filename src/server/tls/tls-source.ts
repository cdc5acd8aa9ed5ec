import { type Clock, idleClock } from '../../clock.ts';
import { MAX_TLS_FILE_BYTES, TLS_HANDSHAKE_MS } from '../../limits.ts';
import { watchFiles } from '../../watched-files.ts';
import type { ServerLog } from '../server-log.ts';
import { checkTlsFile, type TlsFiles, tlsRead } from './tls-files.ts';
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
  /**
   * Reads the files now.
   *
   * @throws Error that says what is wrong; what was good the last time stays in force
   */
  reload(): Promise<void>;
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
  const { clock = idleClock, files, handshakeMs = TLS_HANDSHAKE_MS, logger } = options;
  const { cert, clientCa, clientCrl, key } = files;
  const listeners = new Set<Parameters<TlsSource['onReplaced']>[0]>();

  function tellOf({ warnings }: TlsMaterial): void {
    for (const warning of warnings) logger.warn({ warning }, 'certificates');
  }

  const watched = await watchFiles<TlsMaterial>({
    paths: [cert, key, clientCa, clientCrl].filter((path) => path !== undefined),
    maxBytes: MAX_TLS_FILE_BYTES,
    check: (stats, path) => checkTlsFile(files, stats, path),
    parse: (at) => tlsMaterial(files, tlsRead(files, at)),
    clock,
    onChange(now, before) {
      const { fingerprint256, validTo } = now.certificate;
      logger.info({ fingerprint: fingerprint256, validTo }, 'certificates were read again');
      tellOf(now);
      for (const listener of [...listeners]) listener(now, before);
    },
    onProblem(problem) {
      if (problem === undefined) return;
      const facts = { problem: problem.message };
      logger.warn(facts, 'certificates cannot be used, the last good ones stay');
    },
    onLook: () => tellEnd(),
  });

  let toldEnd: TlsMaterial | undefined;
  /** Once for each certificate, also if it ends while the server runs. */
  function tellEnd(): void {
    const { current } = watched;
    if (toldEnd === current || endOf(current.certificate) > Date.now()) return;
    toldEnd = current;
    const { validTo } = current.certificate;
    logger.warn({ validTo }, 'the certificate of the server is over');
  }

  tellOf(watched.current);
  tellEnd();
  return {
    handshakeMs,
    logger,
    get current() {
      return watched.current;
    },
    get knowsClients() {
      return watched.current.authorities.size > 0;
    },
    onReplaced(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reload: () => watched.reload(),
    close() {
      watched.close();
      listeners.clear();
    },
  };
}
