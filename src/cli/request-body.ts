import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { bytesOfText, pathOfText } from '../system-text.ts';
import { quotedName } from './human-text.ts';
import { LocalFileError } from './local-file-error.ts';
import { standardInput } from './standard-input.ts';
import { systemReason } from './system-reason.ts';

/** Bytes of a body that is sent as one, with its length: a redirect can be followed with it. */
const MAX_WHOLE_BYTES = 1024 * 1024;

/** What `-d` takes for standard input. */
const STANDARD_INPUT = '@-';

/** What is sent as the body of a request. */
export type RequestBody =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | {
      readonly kind: 'streamed';
      readonly pieces: AsyncIterable<Buffer>;
      /** Undefined: it is not known before the end. */
      readonly length: number | undefined;
    };

/**
 * The body that the values of `-d` or `--data-binary` make, joined by `&`: each is text, or `@FILE`,
 * or `@-` for standard input. `binary`: files are sent as they are; otherwise without line ends
 * and NUL, as curl(1) has it. No more of it is read than is sent, but for its beginning.
 *
 * @throws LocalFileError a file cannot be read
 */
export async function requestBody(
  values: readonly string[],
  binary: boolean,
): Promise<RequestBody> {
  const pieces = piecesOf(values, binary);
  const begin: Buffer[] = [];
  let size = 0;
  for (;;) {
    const next = await pieces.next();
    if (next.done === true) return { kind: 'whole', bytes: Buffer.concat(begin) };
    begin.push(next.value);
    size += next.value.length;
    if (size > MAX_WHOLE_BYTES) break;
  }
  const all = (async function* (): AsyncGenerator<Buffer> {
    yield* begin;
    yield* pieces;
  })();
  return { kind: 'streamed', pieces: all, length: await knownLength(values, binary) };
}

async function* piecesOf(values: readonly string[], binary: boolean): AsyncGenerator<Buffer> {
  for (const [i, value] of values.entries()) {
    if (i > 0) yield Buffer.from('&');
    if (!value.startsWith('@')) yield bytesOfText(value);
    else for await (const piece of filePieces(value)) yield binary ? piece : stripped(piece);
  }
}

async function* filePieces(value: string): AsyncGenerator<Buffer> {
  if (value === STANDARD_INPUT) {
    yield* standardInput();
    return;
  }
  const name = value.slice(1);
  try {
    for await (const piece of createReadStream(pathOfText(name))) yield piece as Buffer;
  } catch (error) {
    const reason = systemReason(error as NodeJS.ErrnoException);
    throw new LocalFileError(`cannot read ${quotedName(name)}: ${reason}`, error);
  }
}

/** Without line ends and NUL. */
function stripped(piece: Buffer): Buffer {
  return piece.filter((byte) => byte !== 0 && byte !== 10 && byte !== 13) as Buffer;
}

/** Of a single file that is sent as it is. */
async function knownLength(
  [only = '', ...others]: readonly string[],
  binary: boolean,
): Promise<number | undefined> {
  if (!binary || others.length > 0 || only === STANDARD_INPUT || !only.startsWith('@')) {
    return undefined;
  }
  const found = await stat(pathOfText(only.slice(1))).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}
