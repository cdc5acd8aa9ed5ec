import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { connectClients, type Harness } from '../support/harness.ts';
import { header, httpCall } from '../support/http-request.ts';
import { listening } from '../support/http-upstream.ts';
import { type Served, serve } from '../support/served.ts';
import { SOAK } from '../support/soak.ts';

const MIB = 1024 * 1024;
/** How much goes through. */
const LARGE = (SOAK ? 1024 : 256) * MIB;
/** What a first use makes of a server: code, buffers, a heap that has grown. */
const WARM_BYTES = 64 * MIB;
/** Far less than what goes through it. */
const SLACK_BYTES = 64 * MIB;

type Session = Pick<Harness, 'connection' | 'sessionId'>;

async function startServed(): Promise<{ readonly served: Served; readonly session: Session }> {
  const served = await serve();
  const { connection, sessions } = connectClients(served.address);
  const { session } = await sessions.createSession({});
  return { served, session: { connection, sessionId: session?.sessionId ?? '' } };
}

async function startHttp(
  answer: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
): Promise<string> {
  const server = createServer((request, response) => {
    // One that ends early ends what a test does with it.
    Promise.resolve(answer(request, response)).catch(() => {});
  });
  return `http://127.0.0.1:${await listening(server)}`;
}

/** When a number above 0 has been the same for so many looks. */
async function settled(count: () => number): Promise<number> {
  let last = count();
  for (let same = 0; same < 50; ) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    same = last > 0 && count() === last ? same + 1 : 0;
    last = count();
  }
  return last;
}

/** The byte at a place of what goes through. */
function byteAt(place: number): number {
  return Math.floor(place / MIB) % 251;
}

/** Whether a piece is what is at its place: its first and its last byte tell. */
function isInPlace(piece: Uint8Array, place: number): boolean {
  const last = piece.length - 1;
  return piece[0] === byteAt(place) && piece[last] === byteAt(place + last);
}

/** Whether who reads so far waits until all has come to stand: at each of the first MiB. */
function isSlowAt(before: number, received: number): boolean {
  return received < 8 * MIB && Math.floor(before / MIB) < Math.floor(received / MIB);
}

/** The most memory that a server has had, when it was looked at. */
class Peak {
  readonly #served: Served;
  #bytes = 0;
  #looks = 0;

  constructor(served: Served) {
    this.#served = served;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async look(): Promise<void> {
    this.#bytes = Math.max(this.#bytes, (await this.#served.holdings()).rss);
  }

  /** Looks now and then: each costs a garbage collection. */
  async sometimes(): Promise<void> {
    this.#looks += 1;
    if (this.#looks % 500 === 0) await this.look();
  }
}

describe('much through a server', () => {
  it('down to a client that is slow for a while slows the other side, and takes no memory', async () => {
    const { served, session } = await startServed();
    let written = 0;
    const url = await startHttp(async (request, response) => {
      const total = Number(request.url?.slice(1));
      for (written = 0; written < total; ) {
        const piece = Buffer.alloc(MIB, byteAt(written));
        written += MIB;
        if (!response.write(piece)) await once(response, 'drain');
      }
      response.end();
    });
    for await (const _ of httpCall(session, { url: `${url}/${WARM_BYTES}` }));
    const { rss } = await served.holdings();
    const peak = new Peak(served);
    let received = 0;
    let isWhole = false;
    for await (const { response } of httpCall(session, { url: `${url}/${LARGE}` })) {
      if (response.case === 'end') isWhole = true;
      if (response.case !== 'body') continue;
      if (!isInPlace(response.value, received)) throw new Error(`it is wrong at ${received}`);
      const before = received;
      received += response.value.length;
      if (isSlowAt(before, received)) {
        expect((await settled(() => written)) - received).toBeLessThan(SLACK_BYTES);
        await peak.look();
      }
      await peak.sometimes();
    }
    expect([received, isWhole]).toEqual([LARGE, true]);
    expect(peak.bytes - rss).toBeLessThan(SLACK_BYTES);
  }, 900_000);

  it('up to one that is slow for a while slows the client, and takes no memory', async () => {
    const { served, session } = await startServed();
    const peak = new Peak(served);
    let sent = 0;
    let received = 0;
    let isSlow = false;
    const url = await startHttp(async (request, response) => {
      received = 0;
      for await (const piece of request) {
        if (!isInPlace(piece, received)) throw new Error(`it is wrong at ${received}`);
        const before = received;
        received += piece.length;
        if (isSlow && isSlowAt(before, received)) {
          expect((await settled(() => sent)) - received).toBeLessThan(SLACK_BYTES);
          await peak.look();
        }
        await peak.sometimes();
      }
      response.end('all');
    });
    async function* pieces(total: number): AsyncGenerator<Uint8Array> {
      for (sent = 0; sent < total; ) {
        const piece = Buffer.alloc(MIB, byteAt(sent));
        sent += MIB;
        yield piece;
      }
    }
    const send = async (total: number): Promise<string> => {
      let text = '';
      for await (const { response } of httpCall(session, { method: 'PUT', url }, pieces(total))) {
        if (response.case === 'body') text += Buffer.from(response.value).toString();
      }
      return text;
    };
    await send(WARM_BYTES);
    const { rss } = await served.holdings();
    isSlow = true;
    expect(await send(LARGE)).toBe('all');
    expect(received).toBe(LARGE);
    expect(peak.bytes - rss).toBeLessThan(SLACK_BYTES);
  }, 900_000);

  it('made of one that is compressed takes no memory, and is made as it is taken', async () => {
    const { served, session } = await startServed();
    const member = gzipSync(Buffer.alloc(WARM_BYTES));
    const url = await startHttp((request, response) => {
      response.setHeader('content-encoding', 'gzip');
      const members = Number(request.url?.slice(1)) / WARM_BYTES;
      response.end(Buffer.concat(Array.from({ length: members }, () => member)));
    });
    const ask = (bytes: number): ReturnType<typeof httpCall> =>
      httpCall(session, {
        url: `${url}/${bytes}`,
        headers: [header('accept-encoding', 'gzip')],
        decompress: true,
      });
    for await (const _ of ask(WARM_BYTES));
    const { rss } = await served.holdings();
    const peak = new Peak(served);
    let received = 0;
    for await (const { response } of ask(LARGE)) {
      if (response.case !== 'body') continue;
      // All that it has made before it was taken.
      if (received === 0) {
        await settled(() => 1);
        await peak.look();
      }
      received += response.value.length;
      await peak.sometimes();
    }
    expect(received).toBe(LARGE);
    expect(peak.bytes - rss).toBeLessThan(SLACK_BYTES);
  }, 900_000);
});
