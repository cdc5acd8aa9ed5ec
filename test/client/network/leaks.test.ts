import { getEventListeners, once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { connect, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RemoteSession } from '../../../src/client/index.ts';
import { blackHole } from '../../support/black-hole.ts';
import { connectTo, errorOf, QUICK } from '../../support/client.ts';
import { openedSince, ownDescriptors } from '../../support/descriptors.ts';
import { serveHere } from '../../support/harness.ts';
import { listenHere } from '../../support/peers.ts';

const ROUNDS = 8;
const WHY = new Error('no longer wanted');

/** What is there for a phase to be in. */
interface Surroundings {
  readonly session: RemoteSession;
  readonly peer: { readonly host: string; readonly port: number };
  /** Answers at once with a head, and a part of its body. */
  readonly url: string;
  /** Where no connection is made, and none refused. */
  readonly hole: number;
}

async function surroundings(): Promise<Surroundings> {
  const { address } = await serveHere();
  const session = await connectTo(address, QUICK).session();
  const peer = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  const upstream = createHttp((request, response) => {
    request.on('error', () => {});
    request.resume();
    if (request.url !== '/silent') response.write('begun');
  });
  const { host, port } = await listenHere(upstream);
  const hole = await blackHole();
  return { session, peer: await listenHere(peer), url: `http://${host}:${port}`, hole };
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(16 * 1024);
}

/** Waits until the server has begun to connect to where nobody answers. */
async function connecting(): Promise<void> {
  const before = ownDescriptors();
  await expect.poll(() => openedSince(before).length).toBeGreaterThan(0);
}

type Phase = (surroundings: Surroundings, controller: AbortController) => Promise<unknown>;

/** What is begun, and given up in each phase of it. */
const PHASES: Readonly<Record<string, Phase>> = {
  'a fetch that has not begun': async ({ session, url }, controller) => {
    const fetched = errorOf(session.fetch(url, { signal: controller.signal }));
    controller.abort(WHY);
    await fetched;
  },
  'a fetch that connects': async ({ hole, session }, controller) => {
    const begun = connecting();
    const { signal } = controller;
    const fetched = errorOf(session.fetch(`http://127.0.0.1:${hole}`, { signal }));
    await begun;
    controller.abort(WHY);
    expect(await fetched).toBe(WHY);
  },
  'a fetch that waits for its answer': async ({ session, url }, controller) => {
    const { signal } = controller;
    const body = endless();
    let isSending = (): void => {};
    const sending = new Promise<void>((resolve) => {
      isSending = resolve;
    });
    async function* told(): AsyncGenerator<Uint8Array> {
      for await (const piece of body) {
        yield piece;
        isSending();
      }
    }
    const init = { method: 'POST', body: told(), duplex: 'half', signal } as const;
    const fetched = errorOf(session.fetch(`${url}/silent`, init));
    await sending;
    controller.abort(WHY);
    expect(await fetched).toBe(WHY);
  },
  'a fetch whose body is read': async ({ session, url }, controller) => {
    const response = await session.fetch(url, { signal: controller.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    const next = errorOf(reader?.read() ?? Promise.resolve());
    controller.abort(WHY);
    expect(await next).toBe(WHY);
  },
  'a connection that has not begun': async ({ peer, session }, controller) => {
    const connected = errorOf(session.connect(peer, { signal: controller.signal }));
    controller.abort(WHY);
    expect(await connected).toBe(WHY);
  },
  'a connection that is made': async ({ hole, session }, controller) => {
    const begun = connecting();
    const target = { host: '127.0.0.1', port: hole };
    const connected = errorOf(session.connect(target, { signal: controller.signal }));
    await begun;
    controller.abort(WHY);
    expect(await connected).toBe(WHY);
  },
  'a connection that stands': async ({ peer, session }, controller) => {
    const socket = await session.connect(peer, { signal: controller.signal });
    socket.setTimeout(3_600_000);
    socket.write('something');
    await once(socket, 'data');
    const failed = once(socket, 'error');
    const isClosed = closed(socket);
    controller.abort(WHY);
    expect(await failed).toEqual([WHY]);
    await isClosed;
  },
  'a listener that has not begun': async ({ session }, controller) => {
    const listened = errorOf(session.listen({}, { signal: controller.signal }));
    controller.abort(WHY);
    expect(await listened).toBe(WHY);
  },
  'a listener, and a connection that it was not asked for': async ({ session }, controller) => {
    const listener = await session.listen({}, { signal: controller.signal });
    const local = connect(listener.port, listener.host);
    local.on('error', () => {});
    await once(local, 'connect');
    const isClosed = closed(local.resume());
    controller.abort(WHY);
    expect(await listener.closed).toBeUndefined();
    await isClosed;
  },
};

/** What keeps this program from ending: timers, and sockets. */
function held(): readonly string[] {
  return process.getActiveResourcesInfo().filter((kind) => /TCP|Pipe|Timeout/.test(kind));
}

describe('what is given up', () => {
  it.each(Object.entries(PHASES))('leaves nothing: %s', async (_, phase) => {
    const around = await surroundings();
    // What is made once, and kept, is there by now.
    await phase(around, new AbortController());
    await settled(around);
    const before = ownDescriptors();
    const heldBefore = held().length;
    for (let round = 0; round < ROUNDS; round++) {
      const controller = new AbortController();
      await phase(around, controller);
      expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    }
    await settled(around);
    await expect.poll(() => openedSince(before)).toEqual([]);
    // A poll of its own would have a timer.
    while (held().length > heldBefore) await nextTurn();
  });
});

/** Resolves when the server has done what came before: it keeps no order, but answers. */
async function settled({ peer, session }: Surroundings): Promise<void> {
  const socket = await session.connect(peer);
  socket.end('x');
  for await (const _ of socket.iterator({ destroyOnReturn: false }));
  if (!socket.closed) await closed(socket);
}

/** Resolves when a connection is closed, however it ends. */
function closed(socket: Duplex): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}
