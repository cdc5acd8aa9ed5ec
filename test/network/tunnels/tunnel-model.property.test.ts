import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { resetSocket } from '../../../src/network/tunnels/reset-socket.ts';
import { Tunnel } from '../../../src/network/tunnels/tunnel.ts';
import type { TunnelMessage } from '../../../src/network/tunnels/tunnel-message.ts';
import { type Peer, startPeer } from '../../support/tunnels.ts';

/** What each side does, in turn. */
type Act =
  | { readonly by: 'us' | 'them'; readonly what: 'send'; readonly bytes: number }
  | { readonly by: 'us' | 'them'; readonly what: 'end' | 'reset' };

/** What the tunnel does after a while it does at once. */
const HASTY: Clock = {
  ...systemClock,
  setTimer: (ms, callback) => systemClock.setTimer(ms / 500, callback),
};

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      by: fc.constantFrom('us' as const, 'them' as const),
      what: fc.constant('send' as const),
      bytes: fc.integer({ min: 1, max: 200_000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      by: fc.constantFrom('us' as const, 'them' as const),
      what: fc.constant('end' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      by: fc.constantFrom('us' as const, 'them' as const),
      what: fc.constant('reset' as const),
    }),
  },
);

async function play(peer: Peer, acts: readonly Act[]) {
  const socket = connect({ host: '127.0.0.1', port: peer.port, allowHalfOpen: true });
  await once(socket, 'connect');
  const theirs: Socket = await peer.accept();
  const tunnel = new Tunnel({ socket, peer: 'peer', clock: HASTY, idleMs: 3_600_000 });
  const messages: TunnelMessage[] = [];
  const over = (async () => {
    for await (const message of tunnel.messages()) messages.push(message);
  })();
  let arrived = 0;
  let theirEnd: 'end' | 'broken' | undefined;
  theirs.on('data', (data: Buffer) => {
    arrived += data.byteLength;
  });
  theirs.on('end', () => {
    theirEnd ??= 'end';
  });
  theirs.on('error', () => {
    theirEnd = 'broken';
  });
  const closed = new Promise<void>((resolve) => theirs.once('close', () => resolve()));
  theirs.resume();
  const sent = { us: 0, them: 0 };
  const ended = { us: false, them: false };
  let reset = false;
  const all = [...acts, { by: 'us', what: 'end' }, { by: 'them', what: 'end' }] as const;
  for (const next of all) {
    if (reset) break;
    if (next.what === 'reset') {
      // One that has ended on both sides cannot break any more.
      if (ended.us && ended.them) continue;
      reset = true;
      if (next.by === 'us') tunnel.reset();
      else resetSocket(theirs);
    } else if (next.what === 'end') {
      if (!ended[next.by]) {
        ended[next.by] = true;
        if (next.by === 'us') tunnel.end();
        else theirs.end();
      }
    } else if (next.what === 'send' && !ended[next.by]) {
      sent[next.by] += next.bytes;
      const bytes = Buffer.alloc(next.bytes, next.by);
      if (next.by === 'us') await tunnel.write(bytes);
      else theirs.write(bytes);
    }
  }
  await over;
  // Node.js does not look whether one broke that was read to its end.
  if (reset) theirs.destroy();
  await closed;
  return { messages, sent, reset, arrived, theirEnd };
}

describe('a tunnel over a socket', () => {
  it('tells what a model of it tells', async () => {
    const peer = await startPeer();
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 10 }), async (acts) => {
        const { arrived, messages, reset, sent, theirEnd } = await play(peer, acts);
        const kinds = messages.map(({ kind }) => kind).filter((kind) => kind !== 'data');
        const end = messages.at(-1);
        if (end?.kind !== 'end') throw new Error('it has no end');
        const received = messages.reduce(
          (sum, message) => sum + (message.kind === 'data' ? message.data.byteLength : 0),
          0,
        );
        expect(end.receivedBytes).toBe(received);
        expect(kinds[0]).toBe('opened');
        if (reset) {
          // Where both ends met on their way it may have closed before.
          expect(received).toBeLessThanOrEqual(sent.them);
          expect(arrived).toBeLessThanOrEqual(sent.us);
          if (end.how === 'reset') return;
        }
        expect(kinds).toEqual(['opened', 'eof', 'end']);
        expect(end).toMatchObject({ how: 'closed', sentBytes: sent.us, receivedBytes: sent.them });
        expect({ arrived, theirEnd }).toEqual({ arrived: sent.us, theirEnd: 'end' });
      }),
      { numRuns: 150 },
    );
  });
});
