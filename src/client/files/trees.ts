import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { WriteTreeRequestSchema } from '../../gen/runlet/v1/file_pb.ts';
import { RunletClientError } from '../client-error.ts';
import { ConnectionError } from '../errors.ts';
import type { SystemText } from '../process-spec.ts';
import { shownText } from '../system-text.ts';
import type { FileCalls } from './file-calls.ts';
import type { MoveOptions, ReadTreeOptions } from './file-options.ts';
import { pathFields } from './remote-path.ts';
import { piecesOf } from './upload-source.ts';

/** What was unpacked of an archive. */
export interface TreeWritten {
  /** Members of the archive. */
  readonly entries: number;
  /** Bytes of files among them. */
  readonly bytes: number;
}

/**
 * A folder as a tar archive. No two archives of it need be the same, so that a break ends it once
 * something came.
 *
 * @throws RunletClientError `INTERRUPTED`
 *
 * @internal
 */
export async function* readTree(
  calls: FileCalls,
  path: SystemText,
  { exclude = [], include = [], signal }: ReadTreeOptions,
): AsyncGenerator<Buffer> {
  const request = { ...pathFields('path', path), include: [...include], exclude: [...exclude] };
  let isBegun = false;
  yield* calls.stream(signal, async function* ({ generation, ids, options }) {
    if (isBegun) throw interrupted(`the archive of ${shownText(path)} was read`);
    const responses = generation.output.files.readTree({ ...ids, ...request }, options);
    for await (const { data, end } of calls.messages(responses)) {
      isBegun ||= data.byteLength > 0;
      if (data.byteLength > 0) yield Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      else yield undefined;
      if (end) return;
    }
    throw new ConnectionError('the archive ended early', false);
  });
}

/**
 * Unpacks a tar archive. `open` gives it; where it is asked for once more, after a break, it has
 * to give the same again, or throw.
 *
 * @internal
 */
export async function writeTree(
  calls: FileCalls,
  path: SystemText,
  open: () => AsyncIterable<Uint8Array>,
  { replace = false, signal }: MoveOptions,
): Promise<TreeWritten> {
  const fields = { ...pathFields('path', path), replace, requestId: randomUUID() };
  let failure: { readonly error: unknown } | undefined;
  try {
    const { bytes, entries } = await calls.call(
      { idempotent: true, signal },
      async ({ generation, ids, options }) => {
        const requests = async function* (): AsyncGenerator<
          MessageInitShape<typeof WriteTreeRequestSchema>
        > {
          yield { request: { case: 'open', value: { ...ids, ...fields } } };
          try {
            for await (const chunk of open()) {
              for (const data of piecesOf(chunk)) yield { request: { case: 'data', value: data } };
            }
          } catch (error) {
            failure = { error };
            throw error;
          }
          yield { request: { case: 'finish', value: {} } };
        };
        try {
          return await generation.uploads.files.writeTree(requests(), options);
        } catch (error) {
          // No failure of the call, which is not made again for it.
          if (failure !== undefined)
            throw new Error('the archive failed', { cause: failure.error });
          throw error;
        }
      },
    );
    return { entries: Number(entries), bytes: Number(bytes) };
  } catch (error) {
    throw failure === undefined ? error : failure.error;
  }
}

/** What cannot be gone on with after a break. @internal */
export function interrupted(what: string): RunletClientError {
  return new RunletClientError('INTERRUPTED', `the connection broke while ${what}`);
}
