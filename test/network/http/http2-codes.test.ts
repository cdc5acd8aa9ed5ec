import { describe, expect, it } from 'vitest';
import { startHarness } from '../../support/harness.ts';
import { httpCall, httpFailure } from '../../support/http-request.ts';
import { headersFrame, startFramesUpstream } from '../../support/http2-upstream.ts';
import { trustedAuthority } from '../../support/https-upstream.ts';
import { END_HEADERS, FRAME, frame, headerBlock, number32 } from '../../support/raw-http2.ts';

const KIB = 1024;

/** Bytes of a frame at most where nobody has agreed on more: RFC 9113, section 4.2. */
const FRAME_BYTES = 16 * KIB;

const HEAD = headersFrame([[':status', '200']], END_HEADERS);
const DATA = frame(FRAME.data, { stream: 1, payload: Buffer.from('abc') });

function reset(code: number): Buffer {
  return frame(FRAME.reset, { stream: 1, payload: number32(code) });
}

function goAway(code: number, lastStream: number): Buffer {
  const payload = Buffer.concat([number32(lastStream), number32(code)]);
  return frame(FRAME.goaway, { payload });
}

/** The head of an answer that has so many bytes of headers, in as many frames as they need. */
function longHead(bytes: number): Buffer {
  const value = 'x'.repeat(KIB);
  const named = Array.from({ length: bytes / KIB }, (_, at) => [`h${at}`, value] as const);
  const block = headerBlock([[':status', '200'], ...named]);
  const frames: Buffer[] = [];
  for (let at = 0; at < block.length; at += FRAME_BYTES) {
    const payload = block.subarray(at, at + FRAME_BYTES);
    const flags = at + FRAME_BYTES >= block.length ? END_HEADERS : 0;
    frames.push(
      frame(at === 0 ? FRAME.headers : FRAME.continuation, { stream: 1, flags, payload }),
    );
  }
  return Buffer.concat(frames);
}

/** The codes of RFC 9113, section 7, and how they are told. */
const CODES: readonly (readonly [number, string])[] = [
  [0, 'CLOSED'],
  [1, 'PROTOCOL_ERROR'],
  [2, 'INTERNAL_ERROR'],
  [3, 'FLOW_CONTROL_ERROR'],
  [4, 'SETTINGS_TIMEOUT'],
  [5, 'STREAM_CLOSED'],
  [6, 'FRAME_SIZE_ERROR'],
  [7, 'REFUSED_STREAM'],
  [8, 'CLOSED'],
  [9, 'COMPRESSION_ERROR'],
  [10, 'CONNECT_ERROR'],
  [11, 'ENHANCE_YOUR_CALM'],
  [12, 'INADEQUATE_SECURITY'],
  [13, 'HTTP_1_1_REQUIRED'],
  [14, 'INTERNAL_ERROR'],
  [0xffff_ffff, 'INTERNAL_ERROR'],
];

/** What is answered, how the request fails, and whether the connection ends after it. */
const ANSWERS: readonly (readonly [string, Buffer, string, boolean?])[] = [
  ...CODES.map(([code, told]) => [`a reset with ${code}`, reset(code), `HEADER ${told}`] as const),
  ...CODES.map(
    ([code, told]) =>
      [
        `a reset with ${code} in a body`,
        Buffer.concat([HEAD, DATA, reset(code)]),
        `BODY ${told}`,
      ] as const,
  ),
  ['a connection that goes away and has not looked', goAway(0, 0), 'HEADER REFUSED_STREAM'],
  ['one that goes away, and ends', goAway(0, 1), 'HEADER CLOSED', true],
  ['one that goes away for a reason', goAway(11, 1), 'HEADER ENHANCE_YOUR_CALM'],
  [
    'one that goes away in a body, and ends',
    Buffer.concat([HEAD, DATA, goAway(0, 1)]),
    'BODY CLOSED',
    true,
  ],
  [
    'one that goes away in a body for a reason',
    Buffer.concat([HEAD, DATA, goAway(2, 1)]),
    'BODY INTERNAL_ERROR',
  ],
  [
    'a header with a name that is none',
    headersFrame(
      [
        [':status', '200'],
        ['No Name', 'x'],
      ],
      END_HEADERS,
    ),
    'HEADER PROTOCOL_ERROR',
  ],
  ['a head without a status', headersFrame([['a', 'b']], END_HEADERS), 'HEADER PROTOCOL_ERROR'],
  [
    'more than its length says',
    Buffer.concat([
      headersFrame(
        [
          [':status', '200'],
          ['content-length', '2'],
        ],
        END_HEADERS,
      ),
      DATA,
    ]),
    'BODY PROTOCOL_ERROR',
  ],
  ['settings of a stream', frame(FRAME.settings, { stream: 3 }), 'HEADER INVALID_RESPONSE'],
  ['a long head', longHead(65 * KIB), 'HEADER HEADER_OVERFLOW'],
  ['a longer head', longHead(120 * KIB), 'HEADER HEADER_OVERFLOW'],
  ['a head in more frames than are taken', longHead(300 * KIB), 'HEADER HEADER_OVERFLOW'],
];

describe('an answer over HTTP/2 that is not whole', () => {
  it('fails with a code that says which of the two ended it, and why', async () => {
    const { httpTrust, ...authority } = await trustedAuthority();
    const harness = await startHarness({ httpTrust });
    const upstream = await startFramesUpstream(authority, async ({ frameOf, socket }, at) => {
      await frameOf(FRAME.headers);
      const [, answer, , ends = false] = ANSWERS[at] ?? [];
      socket.write(answer ?? '', () => {
        if (ends) socket.end();
      });
    });
    const told: string[] = [];
    for (const _ of ANSWERS) {
      // Each over a connection of its own, which is its session's.
      const { session } = await harness.sessions.createSession({});
      const clients = { connection: harness.connection, sessionId: session?.sessionId ?? '' };
      told.push(await httpFailure(httpCall(clients, { url: upstream.origin })));
    }
    expect(told.map((failure, at) => `${ANSWERS[at]?.[0]}: ${failure}`)).toEqual(
      ANSWERS.map(([what, , failure]) => `${what}: HTTP_FAILED ${failure}`),
    );
    expect(upstream.connections).toHaveLength(ANSWERS.length);
  });
});
