import { randomUUID } from 'node:crypto';
import { TunnelStage } from '../../gen/runlet/v1/error_pb.ts';
import { ensure, ensureEqual, ensureFails, ensureInvalid, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import { type ListenInit, Listening } from '../listening.ts';
import { Tunnel } from '../tunnels.ts';

const FAILED = 'UNAVAILABLE/TUNNEL_FAILED';
const GONE = 'NOT_FOUND/CONNECTION_NOT_FOUND';

/** How often it is looked whether nobody listens any more: a connection each time. */
const LOOKS = 100;

/** Waits until nobody listens there any more, and returns how a connection fails then. */
async function untilRefused(
  context: Parameters<typeof Tunnel.open>[0],
  target: { readonly host: string; readonly port: number },
): Promise<string> {
  for (let i = 0; i < LOOKS; i++) {
    const { summary } = await outcomeOf(Tunnel.open(context, target).then((made) => made.leave()));
    if (summary !== 'OK') return summary;
  }
  return 'OK';
}

/** Listeners. */
export const listeners: readonly Check[] = [
  {
    id: 'TUNNEL-20',
    title: 'A listener says where it listens: on the loopback, at a port that is free',
    clause: 'ListenRequest.host',
    needs: 'tunnels',
    async run(context) {
      const [one, other] = await Promise.all([
        Listening.start(context),
        Listening.start(context, { host: 'localhost' }),
      ]);
      ensureEqual([one.host, other.host], ['127.0.0.1', '127.0.0.1'], 'where they listen');
      ensure(one.port > 0 && other.port > 0, 'a listener told no port');
      ensure(one.port !== other.port, 'two listeners have one port');
    },
  },
  {
    id: 'TUNNEL-21',
    title: 'Each connection is told once, with an id of its own and the address of the other side',
    clause: 'TunnelConnection.peer',
    needs: 'tunnels',
    async run(context) {
      const listening = await Listening.start(context);
      const first = await Tunnel.open(context, listening.target);
      const one = await listening.next();
      const second = await Tunnel.open(context, listening.target);
      const other = await listening.next();
      ensure(one.connectionId !== other.connectionId, 'two connections have one id');
      for (const { connectionId, peer } of [one, other]) {
        ensure(/^127\.0\.0\.1:\d+$/.test(peer), `a connection came from ${JSON.stringify(peer)}`);
        const taken = await Tunnel.open(context, { connectionId });
        ensureEqual(taken.peer, peer, 'the other side of one that is taken over');
        taken.send(connectionId);
        taken.eof();
      }
      const got = [await first.toEof(), await second.toEof()].map(String);
      ensureEqual(got, [one.connectionId, other.connectionId], 'whose connections they are');
    },
  },
  {
    id: 'TUNNEL-22',
    title: 'What was sent before a connection is taken over arrives',
    clause: 'TunnelConnection.connection_id',
    needs: 'tunnels',
    async run(context) {
      const listening = await Listening.start(context);
      const near = await Tunnel.open(context, listening.target);
      near.send('early');
      near.eof();
      const far = await listening.accept();
      ensureEqual((await far.toEof()).toString(), 'early', 'what came');
    },
  },
  {
    id: 'TUNNEL-23',
    title: 'A connection is taken over once',
    clause: 'ERROR_REASON_CONNECTION_NOT_FOUND',
    needs: 'tunnels',
    async run(context) {
      const listening = await Listening.start(context);
      const near = await Tunnel.open(context, listening.target);
      const { connectionId } = await listening.next();
      const far = await Tunnel.open(context, { connectionId });
      await ensureFails(Tunnel.open(context, { connectionId }), GONE, 'to take it over again');
      far.send('still there');
      ensureEqual(await near.readThrough('there'), 'still there', 'what the first one sends');
    },
  },
  {
    id: 'TUNNEL-24',
    title: 'A connection belongs to the session of its listener',
    clause: 'TunnelOpen.connection_id',
    needs: 'tunnels',
    async run(context) {
      const listening = await Listening.start(context);
      const near = await Tunnel.open(context, listening.target);
      const { connectionId } = await listening.next();
      const sessionId = await context.createSession();
      const others = Tunnel.open(context, { sessionId, connectionId });
      await ensureFails(others, GONE, 'a connection of another session');
      const none = Tunnel.open(context, { connectionId: randomUUID() });
      await ensureFails(none, GONE, 'a connection that there is not');
      const far = await Tunnel.open(context, { connectionId });
      far.send('still there');
      ensureEqual(await near.readThrough('there'), 'still there', 'what comes through it');
    },
  },
  {
    id: 'TUNNEL-25',
    title: 'Nobody listens any more when the call has ended',
    clause: 'TunnelService.Listen',
    needs: 'tunnels',
    async run(context) {
      const listening = await Listening.start(context);
      listening.leave();
      ensureEqual(await untilRefused(context, listening.target), FAILED, 'to connect to it');
    },
  },
  {
    id: 'TUNNEL-26',
    title: 'A port that is in use fails at the stage of listening',
    clause: 'TUNNEL_STAGE_LISTEN',
    needs: 'tunnels',
    async run(context) {
      const { port } = await Listening.start(context);
      const call = Listening.start(context, { port });
      const { tunnelFailure } = await ensureFails(call, FAILED, 'a port that is in use');
      const { errnoName, stage, target } = tunnelFailure ?? {};
      const expected = [TunnelStage.LISTEN, 'EADDRINUSE', `127.0.0.1:${port}`];
      ensureEqual([stage, errnoName, target], expected, 'stage, errno_name and target');
    },
  },
  {
    id: 'TUNNEL-27',
    title: 'Beyond the loopback nobody listens unless the operator says so',
    clause: 'ERROR_REASON_LISTEN_DENIED',
    needs: 'tunnels',
    async run(context) {
      for (const host of ['0.0.0.0', '::', '::ffff:0.0.0.0']) {
        const call = Listening.start(context, { host });
        await ensureFails(call, 'PERMISSION_DENIED/LISTEN_DENIED', `to listen at ${host}`);
      }
    },
  },
  {
    id: 'TUNNEL-28',
    title: 'A listener that makes no sense is refused, and names the field',
    clause: 'ListenRequest',
    needs: 'tunnels',
    async run(context) {
      const cases: readonly (readonly [string, ListenInit, RegExp])[] = [
        ['a port beyond all', { port: 65_536 }, /^port$/],
        ['a name', { host: 'example.org' }, /^host$/],
        ['no session', { sessionId: 'nothing' }, /^session_id$/],
      ];
      for (const [what, init, field] of cases) {
        await ensureInvalid(Listening.start(context, init), field, what);
      }
    },
  },
  {
    id: 'TUNNEL-29',
    title: 'A session has so many listeners as the server says, and no more',
    clause: 'Limits.max_session_listeners',
    needs: 'tunnels',
    async run(context) {
      const most = context.info.limits?.maxSessionListeners ?? 0;
      ensure(most > 0, 'max_session_listeners is absent');
      const made: Listening[] = [];
      for (let i = 0; i < most; i++) made.push(await Listening.start(context));
      const call = Listening.start(context);
      await ensureFails(call, 'RESOURCE_EXHAUSTED/LIMIT_EXCEEDED', 'one more');
      ensureEqual(made.length, most, 'listeners');
    },
  },
];
