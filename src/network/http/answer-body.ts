import type { Clock } from '../../clock.ts';
import { RunletError } from '../../errors.ts';
import { NETWORK_PIECE_BYTES } from '../../limits.ts';
import { contentCoding, decodeBody } from './decode-body.ts';
import type { WireAnswer } from './http-connection.ts';
import { failureCode, httpFailed } from './http-failure.ts';
import type { HttpExchangeRequest } from './http-message.ts';
import { fieldText } from './raw-fields.ts';
import type { SecretScan } from './secret-scan.ts';

/** How the body of an answer is read. */
export interface AnswerBodyOptions {
  readonly url: URL;
  /** Whether it is told as it was before it was compressed. */
  readonly decodes: boolean;
  readonly clock: Clock;
  /** Ends the exchange. */
  readonly ends: AbortController;
  /** Milliseconds in which nothing comes while it is waited for; undefined: for ever. */
  readonly idleTimeoutMs: number | undefined;
  /** The most bytes; undefined: any. */
  readonly maxBytes: number | undefined;
  /** Looks for what it may not tell. */
  readonly scan: SecretScan;
}

/** Whether the body of an answer has to be decompressed. */
export function isDecoded(
  { decompresses }: HttpExchangeRequest,
  { fields, status }: WireAnswer,
  method: string,
): boolean {
  if (!decompresses || method === 'HEAD' || status === 204 || status === 304) return false;
  const codings = fields.filter(({ name }) => name === 'content-encoding');
  return (
    codings.length === 1 && contentCoding(fieldText(codings, 'content-encoding')) !== undefined
  );
}

/**
 * The body of an answer, in pieces as they come, and `truncated` last where there was more than
 * was asked for. No more is read than is taken.
 *
 * @throws RunletError `HTTP_FAILED` at `BODY` where it was cut or is not what it should be
 */
export async function* answerBody(
  answer: WireAnswer,
  options: AnswerBodyOptions,
): AsyncGenerator<Buffer | 'truncated'> {
  const { decodes, maxBytes = Number.POSITIVE_INFINITY, scan, url } = options;
  const coding = decodes ? contentCoding(fieldText(answer.fields, 'content-encoding')) : undefined;
  const received = receivedPieces(answer, options);
  const pieces = scan.pieces(coding === undefined ? received : decodeBody(received, coding), url);
  let room = maxBytes;
  try {
    for await (const piece of pieces) {
      if (piece.length > room) {
        if (room > 0) yield piece.subarray(0, room);
        yield 'truncated';
        return;
      }
      room -= piece.length;
      yield piece;
    }
  } catch (error) {
    options.ends.signal.throwIfAborted();
    if (error instanceof RunletError) throw error;
    throw httpFailed('BODY', failureCode(error), 'its body could not be read', url, error);
  }
}

async function* receivedPieces(
  { body, cut }: WireAnswer,
  options: AnswerBodyOptions,
): AsyncGenerator<Buffer> {
  const pieces = body.iterator({ destroyOnReturn: false });
  for (;;) {
    const next = await nextPiece(pieces, options).catch((error: unknown) => {
      throw cut() ?? error;
    });
    if (next.done) break;
    const piece: Buffer = next.value;
    for (let at = 0; at < piece.length; at += NETWORK_PIECE_BYTES) {
      yield piece.subarray(at, at + NETWORK_PIECE_BYTES);
    }
  }
  const error = cut();
  if (error !== undefined) throw error;
}

/** The next piece, in time: the exchange ends where it does not come. */
async function nextPiece(
  pieces: AsyncIterator<Buffer>,
  { clock, ends, idleTimeoutMs, url }: AnswerBodyOptions,
): Promise<IteratorResult<Buffer>> {
  if (idleTimeoutMs === undefined) return pieces.next();
  const timer = clock.setTimer(idleTimeoutMs, () => {
    ends.abort(httpFailed('TIMEOUT', 'IDLE', 'nothing came of its body for too long', url));
  });
  try {
    return await pieces.next();
  } finally {
    timer.cancel();
  }
}
