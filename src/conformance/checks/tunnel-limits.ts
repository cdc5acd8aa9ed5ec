import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { TunnelStage } from '../../gen/runlet/v1/error_pb.ts';
import { TunnelEnd } from '../../gen/runlet/v1/tunnel_pb.ts';
import { ConformanceError, ensure, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import type { CheckContext } from '../context.ts';
import { Listening } from '../listening.ts';
import { startDeafListener } from '../listening-programs.ts';
import { Tunnel } from '../tunnels.ts';

const FULL = 'RESOURCE_EXHAUSTED/LIMIT_EXCEEDED';

/** Milliseconds that a connection may take which is never made. */
const SHORT_MS = 300;

/** Within how many milliseconds of the server it has failed, on a machine that does much else. */
const FAILED_WITHIN_MS = 5_000;

/** Connections that a system keeps at most for who accepts none, where the least is asked for. */
const MAX_KEPT = 64;

/** Milliseconds that a connection of a listener waits to be taken over. */
const WAIT_MS = 10_000;

/** Connections that are made at one time: fewer than may wait. */
const AT_ONCE = 32;

/** Calls of one connection to the server: fewer than a server takes for an attack that are cancelled at once. */
const CALLS_OF_ONE = 256;

/** Makes connections to a listener, each of which both ends have, with so many calls. */
async function fill(context: CheckContext, listening: Listening, calls: number): Promise<void> {
  let clients = context.otherClients();
  let ofOne = 0;
  for (let made = 0; made < calls; made += 2 * AT_ONCE) {
    const pairs = Math.min(AT_ONCE, (calls - made) / 2);
    if (ofOne + 2 * pairs > CALLS_OF_ONE) {
      clients = context.otherClients();
      ofOne = 0;
    }
    ofOne += 2 * pairs;
    const pair = async (): Promise<void> => {
      const near = Tunnel.open(context, listening.target, clients);
      const { connectionId } = await listening.next();
      await Promise.all([near, Tunnel.open(context, { connectionId }, clients)]);
    };
    await Promise.all(Array.from({ length: pairs }, pair));
  }
}

/** How long connections wait, and how many there are. */
export const tunnelLimits: readonly Check[] = [
  {
    id: 'TUNNEL-50',
    title: 'A connection that takes longer than it may fails at that stage',
    clause: 'TunnelOpen.connect_timeout',
    needs: ['tunnels', 'listeners'],
    async run(context) {
      const { port } = await startDeafListener(context);
      const open = { host: '127.0.0.1', port, connectTimeout: durationFromMs(SHORT_MS) };
      for (let i = 0; i <= MAX_KEPT; i++) {
        const began = performance.now();
        const late = context.letPass(FAILED_WITHIN_MS).then(() => undefined);
        const outcome = await Promise.race([outcomeOf(Tunnel.open(context, open)), late]);
        ensure(outcome !== undefined, `it was not over after ${FAILED_WITHIN_MS} ms`);
        // The system makes a few by itself.
        if (outcome.summary === 'OK') continue;
        const { details, summary } = outcome;
        ensureEqual(summary, 'UNAVAILABLE/TUNNEL_FAILED', 'a connection that nobody accepts');
        const { stage, target } = details.tunnelFailure ?? {};
        ensureEqual([stage, target], [TunnelStage.TIMEOUT, `127.0.0.1:${port}`], 'stage, target');
        const ms = performance.now() - began;
        ensure(ms >= SHORT_MS, `it was over after ${ms} ms`);
        return;
      }
      throw new ConformanceError(`${MAX_KEPT} connections stand that nobody accepts`);
    },
  },
  {
    id: 'TUNNEL-51',
    title: 'A connection of a listener that nobody takes over is reset after 10 s, and not before',
    clause: 'TunnelService.Listen',
    needs: 'tunnels',
    async run(context) {
      const listening = await Listening.start(context);
      const began = performance.now();
      const near = await Tunnel.open(context, listening.target);
      const { connectionId } = await listening.next();
      ensureEqual((await near.ended()).kind, TunnelEnd.RESET, 'how it ended');
      const ms = performance.now() - began;
      ensure(ms >= WAIT_MS, `it was reset after ${ms} ms`);
      const late = Tunnel.open(context, { connectionId });
      await ensureFails(late, 'NOT_FOUND/CONNECTION_NOT_FOUND', 'to take it over then');
    },
  },
  {
    id: 'TUNNEL-52',
    title: 'A session has so many connections as the server says, both kinds, and no more',
    clause: 'Limits.max_session_tunnels',
    needs: 'tunnels',
    async run(context) {
      const most = context.info.limits?.maxSessionTunnels ?? 0;
      ensure(most > 0, 'max_session_tunnels is absent');
      const even = most - (most % 2);
      await fill(context, await Listening.start(context), even);
      // What it leads to is of another session, and does not count.
      const sessionId = await context.createSession();
      const { target } = await Listening.start(context, { sessionId });
      for (let made = even; made < most; made++) await Tunnel.open(context, target);
      await ensureFails(Tunnel.open(context, target), FULL, 'one more');
    },
  },
];
