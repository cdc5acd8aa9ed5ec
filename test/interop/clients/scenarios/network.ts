import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Scenario } from '../scenario.ts';
import { failureOf, textOf } from '../stage.ts';

/** More than one message of what comes back. */
const BYTES = 300_000;

const SENT = Buffer.from(Array.from({ length: BYTES }, (_, i) => (i * i + (i >> 8)) % 251));

const hashOf = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** Has a server listen on the loopback, which the server of the test reaches too, while it is used. */
async function whileListening<T>(server: Server, use: (port: number) => Promise<T>): Promise<T> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

/** Says nothing until the other side has sent all, and then all of it backwards. */
function backwards(): Server {
  return createServer({ allowHalfOpen: true }, (socket) => {
    // An iterator would close both directions at the end of the one.
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.on('end', () => socket.end(Buffer.concat(pieces).reverse()));
    socket.on('error', () => socket.destroy());
  });
}

/** What a server got of a request. */
interface Got {
  method: string;
  target: string;
  headers: readonly string[];
  body: string;
}

/** Answers with the body that it got, and trailers. */
function echo(got: Got[]): Server {
  const answer = async (request: IncomingMessage): Promise<string> => {
    const body = (await buffer(request)).toString();
    const { method = '', rawHeaders, url: target = '' } = request;
    const headers = rawHeaders.flatMap((name, i) =>
      i % 2 === 0 && name.toLowerCase().startsWith('x-')
        ? [`${name.toLowerCase()}: ${rawHeaders[i + 1]}`]
        : [],
    );
    got.push({ method, target, headers, body });
    return body;
  };
  return createHttpServer((request, response) => {
    answer(request).then(
      (body) => {
        const headers = [
          'Set-Cookie',
          'a=1',
          'X-One',
          '1',
          'Set-Cookie',
          'b=2',
          'Trailer',
          'X-Sum',
        ];
        response.writeHead(207, headers);
        response.addTrailers([['X-Sum', String(body.length)]]);
        response.end(body.toUpperCase());
      },
      () => response.destroy(),
    );
  });
}

/** The network of the server's machine. */
export const NETWORK: readonly Scenario[] = [
  {
    name: 'a connection is heard to its end after nothing more is sent, and one that is refused says why',
    async play(stage) {
      const target = { host: '127.0.0.1' };
      const { port, ...facts } = await whileListening(backwards(), async (port) => {
        const data = SENT.toString('base64');
        return { port, ...(await stage.perform('connect', { ...target, port, data })) };
      });
      const {
        code,
        errno_name,
        reason,
        stage: failed,
      } = await failureOf(
        // Nobody listens at the first port.
        stage.perform('connect', { ...target, port: 1 }),
      );
      return {
        kinds: facts.kinds,
        peer: facts.peer === `127.0.0.1:${port}`,
        hash: hashOf(Buffer.from(facts.data, 'base64')),
        end: facts.end,
        refused: `${code}/${reason}: ${failed} ${errno_name}`,
      };
    },
    expected: {
      kinds: ['opened', 'data', 'eof', 'end'],
      peer: true,
      hash: hashOf(Buffer.from(SENT).reverse()),
      end: { kind: 'TUNNEL_END_CLOSED', sent_bytes: BYTES, received_bytes: BYTES },
      refused: 'UNAVAILABLE/TUNNEL_FAILED: TUNNEL_STAGE_CONNECT ECONNREFUSED',
    },
  },
  {
    name: 'a request is sent with its headers and a streamed body, and answered with trailers',
    async play(stage) {
      const got: Got[] = [];
      const facts = await whileListening(echo(got), async (port) => {
        const { final_url, ...answer } = await stage.perform('request', {
          method: 'PUT',
          url: `http://127.0.0.1:${port}/a?b=c`,
          headers: [
            ['x-b', '1'],
            ['x-a', 'one'],
            ['x-b', '2'],
          ],
          pieces: ['some ', 'content'].map((piece) => Buffer.from(piece).toString('base64')),
        });
        return { ...answer, same: final_url === `http://127.0.0.1:${port}/a?b=c` };
      });
      const told = new Set(['set-cookie', 'x-one']);
      const {
        code,
        errno_name,
        reason,
        stage: failed,
      } = await failureOf(stage.perform('request', { method: 'GET', url: 'http://127.0.0.1:1/' }));
      return {
        got,
        kinds: facts.kinds,
        status: facts.status,
        headers: facts.headers.filter(([name]) => told.has(name)),
        body: textOf(facts.data),
        trailers: facts.trailers,
        rest: [facts.same, facts.http_version, facts.truncated],
        refused: `${code}/${reason}: ${failed} ${errno_name}`,
      };
    },
    expected: {
      got: [
        {
          method: 'PUT',
          target: '/a?b=c',
          headers: ['x-b: 1', 'x-a: one', 'x-b: 2'],
          body: 'some content',
        },
      ],
      kinds: ['head', 'body', 'end'],
      status: 207,
      headers: [
        ['set-cookie', 'a=1'],
        ['x-one', '1'],
        ['set-cookie', 'b=2'],
      ],
      body: 'SOME CONTENT',
      trailers: [['x-sum', '12']],
      rest: [true, '1.1', false],
      refused: 'UNAVAILABLE/HTTP_FAILED: HTTP_STAGE_CONNECT ECONNREFUSED',
    },
  },
];
