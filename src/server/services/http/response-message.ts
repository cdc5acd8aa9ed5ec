import { EncodedMessage } from '../../../bridge/encoded-message.ts';
import type { Response } from '../../../bridge/types.ts';
import { RequestResponseSchema } from '../../../gen/runlet/v1/http_pb.ts';
import type { HttpMessage } from '../../../network/http/http-message.ts';

/** `body` of `RequestResponse`, with its wire type. */
const BODY = 0x12;

/** Bytes before those of a body: a tag, and a length in at most five. */
const BODY_ROOM = 6;

/** A part of an answer as the client is told it. */
export function responseMessage(message: HttpMessage): Response<typeof RequestResponseSchema> {
  switch (message.kind) {
    case 'head': {
      const { fields, finalUrl, redirectedUrls, status, version } = message.head;
      const headers = [...fields];
      const value = { status, headers, finalUrl, redirectedUrls: [...redirectedUrls] };
      return { response: { case: 'head', value: { ...value, httpVersion: version } } };
    }
    case 'body':
      return new EncodedMessage(RequestResponseSchema, encodeBody(message.data));
    case 'end': {
      const { trailers, truncated } = message;
      return { response: { case: 'end', value: { trailers: [...trailers], truncated } } };
    }
  }
}

/** The message with some bytes of a body, which are copied once. */
function encodeBody(data: Buffer): Uint8Array {
  const encoded = Buffer.allocUnsafe(BODY_ROOM + data.length);
  encoded[0] = BODY;
  let at = 1;
  let rest = data.length;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) {
    encoded[at] = (rest % 0x80) | 0x80;
    at += 1;
  }
  encoded[at] = rest;
  data.copy(encoded, at + 1);
  return encoded.subarray(0, at + 1 + data.length);
}
