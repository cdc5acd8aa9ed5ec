import { createHash } from 'node:crypto';
import type { ReadFileEnd } from '../../gen/runlet/v1/file_pb.ts';
import type { CallTarget } from '../call-attempts.ts';
import { RunletClientError } from '../client-error.ts';
import { ConnectionError } from '../errors.ts';
import { wholeBigInt } from '../numbers.ts';
import type { SystemText } from '../process-spec.ts';
import { shownText } from '../system-text.ts';
import type { FileCalls } from './file-calls.ts';
import { fileChanged, isRefused } from './file-error.ts';
import { type FileInfo, fileInfo } from './file-info.ts';
import type { ReadAllOptions, ReadOptions } from './file-options.ts';
import { pathFields } from './remote-path.ts';

/** Bytes of a file that are kept at most unless the program says otherwise. */
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/** What a file that was read is refused with when there is another, or none, in its place. */
const NO_LONGER_THERE = [
  'VERSION_MISMATCH',
  'FILE_NOT_FOUND',
  'IS_A_DIRECTORY',
  'NOT_A_DIRECTORY',
  'NOT_A_REGULAR_FILE',
] as const;

/** How far a file was read. */
interface Reading {
  readonly path: SystemText;
  readonly fields: ReturnType<typeof pathFields<'path'>>;
  /** Where in the file the next byte is. */
  position: bigint;
  /** How many bytes are still to come at most; undefined: to the end. */
  left: bigint | undefined;
  /** The version that it has to have; empty: any. */
  version: string;
  /** What it was when it was opened first. */
  file: FileInfo | undefined;
  readonly onFile: (file: FileInfo) => void;
}

/**
 * What is in a file, over as many connections as it takes: each goes on at the exact byte, of the
 * same version of the file. `onFile` is told what it was when it was opened first.
 *
 * @throws FileError `FILE_CHANGED` also where it was another when a connection was to go on
 */
export async function* readFile(
  calls: FileCalls,
  path: SystemText,
  { ifVersion = '', length, offset = 0, signal }: ReadOptions,
  onFile: (file: FileInfo) => void = () => {},
): AsyncGenerator<Buffer> {
  const reading: Reading = {
    path,
    fields: pathFields('path', path),
    position: wholeBigInt('offset', offset),
    left: length === undefined ? undefined : wholeBigInt('length', length),
    version: ifVersion,
    file: undefined,
    onFile,
  };
  try {
    yield* calls.stream(signal, (target) => readOn(calls, target, reading));
  } catch (error) {
    const { file } = reading;
    if (file === undefined || !isRefused(error, ...NO_LONGER_THERE)) throw error;
    throw fileChanged(file.path, file.rawPath, error);
  }
}

/** Reads on over one connection. */
async function* readOn(
  calls: FileCalls,
  { generation, ids, options }: CallTarget,
  reading: Reading,
): AsyncGenerator<Buffer | undefined> {
  const { fields, left, position, version } = reading;
  const request = { ...ids, ...fields, offset: position, ifVersion: version };
  const responses = generation.output.files.readFile(
    left === undefined ? request : { ...request, length: left },
    options,
  );
  const hash = createHash('sha256');
  for await (const { response } of calls.messages(responses)) {
    if (response.case === 'end') {
      checkEnd(response.value, reading.position - position, hash.digest());
      return;
    }
    if (response.case === 'data') {
      const { data, offset } = response.value;
      if (offset !== reading.position) {
        throw new RunletClientError(
          'PROTOCOL',
          'the server sent other bytes of a file than follow',
        );
      }
      hash.update(data);
      const bytes = BigInt(data.byteLength);
      reading.position += bytes;
      if (reading.left !== undefined) reading.left -= bytes;
      yield Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      continue;
    }
    if (response.case === 'file' && reading.file === undefined) {
      reading.file = fileInfo(response.value);
      reading.version = reading.file.version;
      reading.onFile(reading.file);
    }
    yield undefined;
  }
  // Nothing but `end` ends it in order.
  throw new ConnectionError(`the stream of ${shownText(reading.path)} ended early`, false);
}

function checkEnd(end: ReadFileEnd, bytes: bigint, hash: Buffer): void {
  if (end.bytes === bytes && hash.equals(end.sha256)) return;
  throw new RunletClientError('PROTOCOL', 'what came of a file is not what the server has sent');
}

/**
 * All that is in a file.
 *
 * @throws RunletClientError `FILE_TOO_LARGE`
 */
export async function readAll(
  calls: FileCalls,
  path: SystemText,
  { maxBytes = DEFAULT_MAX_BYTES, ...options }: ReadAllOptions,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of readFile(calls, path, options)) {
    bytes += piece.byteLength;
    if (bytes > maxBytes) {
      const message = `${shownText(path)} has more than ${maxBytes} bytes: maxBytes says how many are kept`;
      throw new RunletClientError('FILE_TOO_LARGE', message);
    }
    pieces.push(piece);
  }
  const [first] = pieces;
  return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
}
