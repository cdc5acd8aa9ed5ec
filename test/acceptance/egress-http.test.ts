import { isIPv6 } from 'node:net';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../src/bridge/create-client.ts';
import { HttpStage } from '../../src/gen/runlet/v1/error_pb.ts';
import { HttpService, type RequestRequestSchema } from '../../src/gen/runlet/v1/http_pb.ts';
import { canMakeRoom, openRoom, type Room } from '../support/egress-room.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, startHarness } from '../support/harness.ts';
import { startPeer } from '../support/tunnels.ts';
import {
  ADDRESSES,
  BY_DEFAULT,
  NAMES,
  NARROW_FLAGS,
  NARROWED,
  OWN,
  PORTS,
  ROUTES,
  URLS,
} from './egress-tricks.ts';

const DENIED = 'PERMISSION_DENIED/EGRESS_DENIED DENIED';

let room: Room;

type Clients = Pick<ReturnType<typeof connectClients>, 'connection' | 'sessions'>;

/** What a request is answered, in short: the status, and who answered. */
async function ask({ connection, sessions }: Clients, url: string): Promise<string> {
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  async function* requests(): AsyncGenerator<MessageInitShape<typeof RequestRequestSchema>> {
    yield { request: { case: 'head', value: { sessionId, method: 'GET', url } } };
    yield { request: { case: 'end', value: {} } };
  }
  let answered = '';
  for await (const { response } of createClient(HttpService, connection).request(requests(), {})) {
    if (response.case === 'head') answered = `${response.value.status} ${response.value.finalUrl}`;
  }
  return answered;
}

function clientsOf(server: string): Clients {
  const [address] = room.listeners(server);
  if (address === undefined) throw new Error(`there is no server ${server}`);
  return connectClients(address);
}

/** How a request is refused, with the stage that its details tell. */
async function refusal(clients: Clients, url: string): Promise<string> {
  const { httpFailure, summary } = await failureOf(ask(clients, url));
  return httpFailure === undefined ? summary : `${summary} ${HttpStage[httpFailure.stage]}`;
}

const urlOf = (host: string, port: number): string =>
  `http://${isIPv6(host) ? `[${host}]` : host}:${port}/`;

/** What came to the ports before a request that is known to come last. */
async function came(): Promise<readonly string[]> {
  const marks = ['10.0.0.5', '2001:db8::1'].flatMap((host) =>
    PORTS.map((port) => [host, port] as const),
  );
  for (const [host, port] of marks) await ask(clientsOf('plain'), urlOf(host, port));
  const known = marks.map(([host, port]) => `${host} ${port}`);
  const all = (await room.came()).map(({ address, port }) => `${address} ${port}`);
  expect(all).toEqual(expect.arrayContaining(known));
  for (const mark of known) all.splice(all.indexOf(mark), 1);
  return all;
}

/** Whose host has no place in a URL. */
const inUrl = <T extends { readonly inUrl?: boolean }>(tricks: readonly T[]): readonly T[] =>
  tricks.filter((trick) => trick.inUrl !== false);

describe.skipIf(!canMakeRoom())('what HTTP is denied (needs unshare and ip)', () => {
  beforeAll(async () => {
    const allowed = ['0.0.0.0/0', '::/0'].flatMap((rule) => ['--egress-allow', rule]);
    room = await openRoom({
      addresses: ADDRESSES,
      routes: ROUTES,
      names: NAMES,
      ports: PORTS,
      servers: {
        plain: [],
        narrow: NARROW_FLAGS,
        proxied: [],
        own: [...allowed, '--listen', '[::]:0', '--auth', 'none', '--allow-insecure'],
      },
      environments: {
        proxied: {
          HTTP_PROXY: 'http://10.0.0.5:8080',
          http_proxy: 'http://10.0.0.5:8080',
          HTTPS_PROXY: 'http://10.0.0.5:8080',
          ALL_PROXY: 'http://10.0.0.5:8080',
        },
      },
    });
  });

  afterAll(() => room?.close());

  it.each(inUrl(BY_DEFAULT))('by default is $what: $host', async ({ host, port = 80 }) => {
    const url = urlOf(host, port);
    expect(await refusal(clientsOf('plain'), url)).toBe(DENIED);
    expect(await came()).toEqual([]);
  });

  it.each(inUrl(NARROWED))('by rules is $what: $host', async ({ host, port = 80 }) => {
    expect(await refusal(clientsOf('narrow'), urlOf(host, port))).toBe(DENIED);
    expect(await came()).toEqual([]);
  });

  it('by rules is not what they allow', async () => {
    const url = 'http://good.example.org/';
    expect(await ask(clientsOf('narrow'), url)).toBe(`200 ${url}`);
    expect(await came()).toEqual(['10.0.0.5 80']);
  });

  it.each(URLS)('is what a URL hides by %s', async (_what, url, ends) => {
    const expected = ends === 'denied' ? DENIED : 'INVALID_ARGUMENT/INVALID_REQUEST';
    expect(await refusal(clientsOf('plain'), url)).toBe(expected);
    expect(await came()).toEqual([]);
  });

  it.each(inUrl(BY_DEFAULT).filter((_, i) => i % 4 === 0))(
    'is where a redirect leads: $what',
    async ({ host, port = 80 }) => {
      const to = encodeURIComponent(urlOf(host, port));
      const url = `http://10.0.0.5/?to=${to}`;
      expect(await refusal(clientsOf('plain'), url)).toBe(DENIED);
      expect(await came()).toEqual(['10.0.0.5 80']);
    },
  );

  it('has what is allowed asked through the proxy of the environment alone', async () => {
    // What listens there is no proxy that leads on, and nobody goes past it.
    const asked = ask(clientsOf('proxied'), 'http://good.example.org/');
    expect((await failureOf(asked)).summary).toBe('UNAVAILABLE/HTTP_FAILED');
    expect(await came()).toEqual(['10.0.0.5 8080']);
  });

  it.each(inUrl(BY_DEFAULT))(
    'is not reached by a proxy of the environment: $what: $host',
    async ({ host, port = 80 }) => {
      expect(await refusal(clientsOf('proxied'), urlOf(host, port))).toBe(DENIED);
      expect(await came()).toEqual([]);
    },
  );

  it.each(inUrl(OWN))("is the server's own port at $what: $host", async ({ host }) => {
    const [, own] = room.listeners('own');
    const port = own?.kind === 'tcp' ? own.port : 0;
    expect(await refusal(clientsOf('own'), urlOf(host, port))).toBe(DENIED);
  });
});

describe('a name that changes where it leads', () => {
  it('is looked up once for a connection, and what was checked is asked', async () => {
    const peer = await startPeer();
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    let lookups = 0;
    const harness = await startHarness({
      lookup: async () => {
        lookups += 1;
        return answers.shift() ?? [];
      },
    });
    const url = `http://rebinds.example.org:${peer.port}/`;
    const answering = peer.accept().then((socket) => {
      socket.resume().end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    });
    expect([await ask(harness, url), lookups]).toEqual([`200 ${url}`, 1]);
    await answering;
    expect([await refusal(harness, url), lookups]).toEqual([DENIED, 2]);
  });
});
