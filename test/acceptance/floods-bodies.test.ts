import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { type Answer, Exchange } from '../fuzz/exchange.ts';
import { flood } from '../support/flood.ts';
import { message } from '../support/raw-http2.ts';

const MIB = 1024 * 1024;

/** How often each is sent, and how many of them at a time. */
const ROUNDS = 5;
const AT_ONCE = 8;

// Somebody works beside, so that it is never at rest.
/** The same of what is unpacked, after which what that takes no longer grows. */
const BOMB_ROUNDS = 3;

/** What the threads that unpack keep to themselves, however often they do. */
const UNPACKING = { moreBytes: 256 * MIB };

const GET = '/runlet.v1.SessionService/GetSession';
const RUN = '/runlet.v1.ProcessService/Run';
const LIST = '/runlet.v1.SessionService/ListSessions';

/** 1 GiB of zeros in 1 MiB: gzip may be of several pieces. */
const BOMB = Buffer.concat(Array.from({ length: 64 }, () => gzipSync(Buffer.alloc(16 * MIB))));

/** Text that is none: a byte that begins nothing, lone surrogates, one that is cut, too long a form. */
const BAD_TEXT = ['ff', 'eda080', 'edbfbf', 'eda080edb080', 'f09f', 'c080', 'f4908080'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

/** A field of bytes of a message. */
const field = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([number * 8 + 2, bytes.byteLength]), bytes]);

async function ask(
  exchange: Exchange,
  path: string,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const all = {
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  };
  return exchange.ask({ headers: all, pieces: [body], wellFormed: true });
}

describe('a flood', () => {
  it('of bodies that unpack to a thousand times as much harms nobody', async () => {
    expect(BOMB.byteLength).toBeLessThan(1.1 * MIB);
    const body = message(BOMB, true);
    const packed = { 'grpc-encoding': 'gzip' };
    await flood(async ({ anybody, nobody, served }) => {
      let first = 0;
      for (let round = 0; round < 2 * BOMB_ROUNDS; round++) {
        if (round === BOMB_ROUNDS) first = (await served.holdings()).rss;
        const strangers = Array.from({ length: AT_ONCE }, () => new Exchange(nobody));
        const callers = Array.from({ length: AT_ONCE }, () => new Exchange(anybody));
        const refused = await Promise.all(strangers.map((each) => ask(each, GET, body, packed)));
        expect(refused.map((each) => each.status)).toEqual(
          refused.map(() => status.UNAUTHENTICATED),
        );
        const over = await Promise.all(callers.map((each) => ask(each, GET, body, packed)));
        expect(over.map((each) => each.status)).toEqual(over.map(() => status.RESOURCE_EXHAUSTED));
        for (const each of [...strangers, ...callers]) each.close();
      }
      expect((await served.holdings()).rss).toBeLessThan(first + 64 * MIB);
    }, UNPACKING);
  });

  it('of text that is none is answered for what it is, and harms nobody', async () => {
    await flood(async ({ anybody }) => {
      const exchange = new Exchange(anybody);
      for (const bad of BAD_TEXT) {
        const text = Buffer.concat([Buffer.from('a'), bad, Buffer.from('b')]);
        const bodies: readonly (readonly [string, Buffer])[] = [
          [GET, field(1, text)],
          [RUN, field(1, field(1, text))],
        ];
        for (const [path, body] of bodies) {
          const answers = await Promise.all(
            Array.from({ length: AT_ONCE }, () => ask(exchange, path, message(body))),
          );
          expect([path, bad, ...answers.map((each) => each.status)]).toEqual([
            path,
            bad,
            ...answers.map(() => status.INVALID_ARGUMENT),
          ]);
        }
        // Headers may have any bytes that are none of control, and nobody looks at these.
        const { status: found } = await ask(exchange, LIST, message(Buffer.alloc(0)), {
          'x-text': text.toString('latin1'),
        });
        expect(found).toBe(status.OK);
      }
      exchange.close();
    });
  });

  it('of headers that are too long harms nobody', async () => {
    await flood(async ({ anybody, nobody }) => {
      for (const [i, address] of [anybody, nobody, anybody, nobody].entries()) {
        const exchanges = Array.from({ length: AT_ONCE }, () => new Exchange(address));
        const headers = Object.fromEntries(
          Array.from({ length: 60 }, (_, n) => [`x-${i}-${n}`, 'v'.repeat(900)]),
        );
        for (let round = 0; round < ROUNDS; round++) {
          const answers = await Promise.all(
            exchanges.map((each) => ask(each, LIST, message(Buffer.alloc(0)), headers)),
          );
          // It is reset, or its connection is closed.
          for (const answer of answers) {
            expect(answer.httpStatus).toBeUndefined();
            expect(answer.reset).toBeDefined();
          }
        }
        for (const exchange of exchanges) exchange.close();
      }
    });
  });
});
