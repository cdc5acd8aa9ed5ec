import { X509Certificate } from 'node:crypto';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import type { Clock } from '../../clock.ts';
import { MAX_TLS_FILE_BYTES } from '../../limits.ts';
import { assertOwnFile } from '../../read-file.ts';
import { watchFiles } from '../../watched-files.ts';

/** Where it is said what becomes of the files. */
export interface TrustLog {
  info(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** What {@link openTrust} needs. */
export interface TrustOptions {
  /** Files of certificates, PEM. */
  readonly files: readonly string[];
  /** One more where it can be read: what Node.js adds to its own by itself. Default: none. */
  readonly extra?: string | undefined;
  readonly clock: Clock;
  readonly log: TrustLog;
}

/** Authorities that are trusted beside those of Node.js. */
export interface Trust {
  /** What connections are made with: the last that was good. */
  readonly current: SecureContext;
  /**
   * Reads the files now.
   *
   * @throws Error that says what is wrong; what was good the last time stays in force
   */
  reload(): Promise<void>;
  /** Looks at the files no more. Idempotent. */
  close(): void;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * Reads certificates, and again when their files change.
 *
 * @throws Error that says what is wrong with them
 */
export async function openTrust({ clock, extra, files, log }: TrustOptions): Promise<Trust> {
  const own = files.includes(extra ?? '') || extra === undefined ? [] : [extra];
  return watchFiles<SecureContext>({
    paths: [...new Set([...files, ...own])],
    maxBytes: MAX_TLS_FILE_BYTES,
    check: assertOwnFile,
    parse(at) {
      const added = [...files, ...own].flatMap((path) => {
        const found = at(path).bytes.toString('latin1').match(CERTIFICATE);
        if (found === null) throw new Error(`${path}: there is no certificate in it`);
        return found;
      });
      // A context passes over what it cannot read, and would trust less than was meant.
      for (const certificate of added) assertReadable(certificate);
      return createSecureContext({ ca: [...rootCertificates, ...added] });
    },
    clock,
    onChange: () => log.info({ files }, 'the certificates for HTTP were read again'),
    onProblem(problem) {
      if (problem === undefined) return;
      const facts = { files, problem: problem.message };
      log.error(facts, 'certificates for HTTP cannot be used, the last good ones stay');
    },
  });
}

function assertReadable(certificate: string): void {
  try {
    new X509Certificate(certificate);
  } catch {
    throw new Error('a certificate cannot be read');
  }
}
