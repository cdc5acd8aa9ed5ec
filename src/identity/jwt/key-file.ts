import type { Clock } from '../../clock.ts';
import { MAX_JWKS_BYTES } from '../../limits.ts';
import { assertOwnFile } from '../../read-file.ts';
import { watchFiles } from '../../watched-files.ts';
import { parseKeySet } from './key-set.ts';
import type { KeyLog, KeySource } from './key-source.ts';

/** How a file of keys is read. */
export interface KeyFileOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: KeyLog;
}

/**
 * Keys from a file that nobody but this user and root can write to. While there is none that is
 * good, the last good one stays in force.
 *
 * @throws Error that says what is wrong with the file now
 */
export async function openKeyFile({ clock, log, path }: KeyFileOptions): Promise<KeySource> {
  const file = await watchFiles({
    paths: [path],
    maxBytes: MAX_JWKS_BYTES,
    check: assertOwnFile,
    parse: (at) => parseKeySet(at(path).bytes.toString()),
    clock,
    onChange: ({ size }) => log.info({ path, keys: size }, 'the keys of JWTs were read again'),
    onProblem(problem) {
      if (problem === undefined) return log.info({ path }, 'the keys of JWTs can be read again');
      const facts = { path, why: problem.message };
      log.warn(facts, 'the keys of JWTs cannot be read; the last good ones stay in force');
    },
  }).catch((error: Error) => {
    throw new Error(`${path}: ${error.message}`);
  });
  return {
    current: () => file.current,
    // It is looked at often enough.
    refresh: () => undefined,
    reload: () => file.reload(),
    close: () => file.close(),
  };
}
