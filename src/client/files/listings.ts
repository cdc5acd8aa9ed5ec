import { RunletClientError } from '../client-error.ts';
import { ConnectionError } from '../errors.ts';
import { wholeBigInt } from '../numbers.ts';
import type { SystemText } from '../process-spec.ts';
import { shownText } from '../system-text.ts';
import type { FileCalls } from './file-calls.ts';
import { type FileFailureInfo, failureError, fileFailureInfo } from './file-error.ts';
import { type FileInfo, fileInfo, pathOf } from './file-info.ts';
import type { ListOptions, WalkOptions } from './file-options.ts';
import { pathFields } from './remote-path.ts';
import { isBeyond, placeOf, type WalkPlace } from './walk-place.ts';

/**
 * What is in a folder. After a break it is listed anew, and what was given before is passed over:
 * the names are kept for that.
 */
export async function* listDirectory(
  calls: FileCalls,
  path: SystemText,
  { onFailure, signal }: ListOptions,
): AsyncGenerator<FileInfo> {
  const fields = pathFields('path', path);
  const given = new Set<string>();
  const failures = new Failures(onFailure);
  const responses = calls.stream(signal, ({ generation, ids, options }) =>
    calls.messages(generation.output.files.listDirectory({ ...ids, ...fields }, options)),
  );
  for await (const response of responses) {
    for (const failure of response.failures) failures.take(fileFailureInfo(failure));
    for (const message of response.files) {
      const file = fileInfo(message);
      const key = keyOf(file);
      if (given.has(key)) continue;
      given.add(key);
      yield file;
    }
  }
  failures.end();
}

/**
 * What is in a folder and those below it. After a break it is walked anew, and what comes no later
 * in the order of the walk than what was given is passed over.
 */
export async function* walkDirectory(
  calls: FileCalls,
  path: SystemText,
  { exclude = [], followLinks = false, include = [], ...options }: WalkOptions,
): AsyncGenerator<FileInfo> {
  const request = {
    ...pathFields('path', path),
    maxDepth: options.maxDepth ?? 0,
    maxEntries: wholeBigInt('maxEntries', options.maxEntries ?? 0),
    include: [...include],
    exclude: [...exclude],
    followSymlinks: followLinks,
  };
  const failures = new Failures(options.onFailure);
  let last: WalkPlace | undefined;
  let isTruncated = false;
  const responses = calls.stream(options.signal, async function* (target) {
    const { generation, ids } = target;
    const answered = generation.output.files.walkDirectory({ ...ids, ...request }, target.options);
    for await (const response of calls.messages(answered)) {
      yield response;
      if (response.summary === undefined) continue;
      isTruncated = response.summary.truncated;
      return;
    }
    throw new ConnectionError('the walk ended early', false);
  });
  for await (const response of responses) {
    for (const failure of response.failures) failures.take(fileFailureInfo(failure));
    for (const message of response.files) {
      const file = fileInfo(message);
      const place = placeOf(pathOf(file));
      if (last !== undefined && !isBeyond(place, last)) continue;
      last = place;
      yield file;
    }
  }
  failures.end();
  if (isTruncated && options.maxEntries === undefined) {
    const message = `there is more in ${shownText(path)} than the server lists in one walk`;
    throw new RunletClientError('WALK_TRUNCATED', message);
  }
}

/** What could not be looked at: told once each, or thrown in the end. */
class Failures {
  readonly #onFailure: ListOptions['onFailure'];
  readonly #told = new Set<string>();
  #first: FileFailureInfo | undefined;

  constructor(onFailure: ListOptions['onFailure']) {
    this.#onFailure = onFailure;
  }

  take(failure: FileFailureInfo): void {
    this.#first ??= failure;
    if (this.#onFailure === undefined) return;
    const key = keyOf(failure);
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#onFailure(failure);
  }

  end(): void {
    if (this.#first !== undefined && this.#onFailure === undefined) throw failureError(this.#first);
  }
}

/** A text that differs where paths do. */
function keyOf({ path, rawPath }: Pick<FileInfo, 'path' | 'rawPath'>): string {
  // No path that is UTF-8 begins like that.
  return rawPath === undefined ? path : `raw:${Buffer.from(rawPath).toString('latin1')}`;
}
