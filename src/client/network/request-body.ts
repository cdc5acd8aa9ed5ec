import { NETWORK_PIECE_BYTES } from '../../limits.ts';

/**
 * Bytes of a body that goes with its head at most: nginx, as it is configured by default, refuses
 * a message of more than 1 MiB.
 */
const MAX_INLINE_BYTES = 511 * 1024;

/** A body of a request. @internal */
export type RequestBody =
  /** All of it. */
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  /** What is read of it no faster than it is sent. */
  | {
      readonly kind: 'stream';
      readonly pieces: AsyncGenerator<Uint8Array>;
      /** Reads no more of it, also while it has nothing to give. Idempotent. */
      leave(): void;
    };

type Reader = ReadableStreamDefaultReader<unknown>;

/**
 * The body of a request as it is sent: with its head where it is short and there already, as what
 * a program gave whole is. `length`: its bytes, where they are known.
 *
 * @internal
 */
export async function requestBody(
  stream: ReadableStream<Uint8Array>,
  length: number | undefined,
): Promise<RequestBody> {
  const reader: Reader = stream.getReader();
  if (length !== undefined && length > MAX_INLINE_BYTES) {
    return streamed(reader, [], reader.read());
  }
  const begun: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const reading = reader.read();
    // What is there comes at once. What is not may wait for the answer to what was sent before.
    const read = await (length === undefined ? Promise.race([reading, turnOver()]) : reading);
    if (read === undefined) return streamed(reader, begun, reading);
    if (read.done) return { kind: 'inline', bytes: Buffer.concat(begun) };
    const piece = bytesOf(read.value);
    begun.push(piece);
    bytes += piece.byteLength;
    if (bytes > MAX_INLINE_BYTES) {
      return streamed(reader, begun, reader.read());
    }
  }
}

function streamed(
  reader: Reader,
  begun: readonly Uint8Array[],
  first: ReturnType<Reader['read']>,
): RequestBody {
  // Of what is left before it is sent nobody hears that it has failed.
  first.catch(() => {});
  const leave = (): void => void reader.cancel().catch(() => {});
  return { kind: 'stream', pieces: piecesOf(reader, begun, first), leave };
}

/**
 * The pieces of a body, none too long; an empty one where the next is not there yet, so that what
 * goes before it is not held back. Leaving it early cancels the stream.
 */
async function* piecesOf(
  reader: Reader,
  begun: readonly Uint8Array[],
  first: ReturnType<Reader['read']>,
): AsyncGenerator<Uint8Array> {
  let whole = false;
  try {
    for (const piece of begun) yield* split(piece);
    if (begun.length === 0) yield new Uint8Array();
    for (let reading = first; ; reading = reader.read()) {
      const { done, value } = await reading;
      if (done) break;
      yield* split(bytesOf(value));
    }
    whole = true;
  } finally {
    if (!whole) void reader.cancel().catch(() => {});
  }
}

function* split(piece: Uint8Array): Generator<Uint8Array> {
  for (let begin = 0; begin < piece.byteLength; begin += NETWORK_PIECE_BYTES) {
    yield piece.subarray(begin, begin + NETWORK_PIECE_BYTES);
  }
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return Buffer.from(value);
  throw new TypeError('a body must give bytes');
}

function turnOver(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}

/** How many bytes a body has that a program gave whole; undefined: it is not known. @internal */
export async function bodyLength(body: unknown): Promise<number | undefined> {
  if (typeof body === 'string') return Buffer.byteLength(body);
  if (body instanceof URLSearchParams) return Buffer.byteLength(body.toString());
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return body.byteLength;
  if (body instanceof Blob) return body.size;
  if (body instanceof FormData) return formLength(body);
  return undefined;
}

/** A form's is that of the same with empty files, and of the files: none of them is read. */
async function formLength(form: FormData): Promise<number> {
  const empty = new FormData();
  let files = 0;
  for (const [name, value] of form) {
    if (typeof value === 'string') {
      empty.append(name, value);
      continue;
    }
    files += value.size;
    empty.append(name, new File([], value.name, { type: value.type }));
  }
  return files + (await new Response(empty).arrayBuffer()).byteLength;
}
