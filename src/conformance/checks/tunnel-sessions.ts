import { randomUUID } from 'node:crypto';
import { TunnelEnd } from '../../gen/runlet/v1/tunnel_pb.ts';
import { ensureAllFail, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import { handled } from '../clients.ts';
import type { CheckContext } from '../context.ts';
import { ensureHeartbeat } from '../heartbeat.ts';
import { Listening, pairOf } from '../listening.ts';
import { startListener } from '../listening-programs.ts';
import { Tunnel } from '../tunnels.ts';

const SUPERSEDED = 'ABORTED/ATTACHMENT_SUPERSEDED';

/** Calls of every method, by their names. */
function callsOf(
  context: CheckContext,
  named: { readonly sessionId: string; readonly attachmentId?: string },
  listening: Listening,
): Readonly<Record<string, Promise<unknown>>> {
  return {
    Connect: handled(Tunnel.open(context, { ...named, ...listening.target })),
    Listen: handled(Listening.start(context, named)),
    ListPorts: context.tunnels.listPorts(named),
  };
}

/** Connections and listeners of a session, and of its attachments. */
export const tunnelSessions: readonly Check[] = [
  {
    id: 'TUNNEL-30',
    title: 'No call about connections is answered in a session that there is not',
    clause: 'TunnelService',
    needs: 'tunnels',
    async run(context) {
      const listening = await Listening.start(context);
      const calls = callsOf(context, { sessionId: randomUUID() }, listening);
      await ensureAllFail(calls, 'NOT_FOUND/SESSION_NOT_FOUND');
    },
  },
  {
    id: 'TUNNEL-31',
    title: 'A session that is closed ends its connections and listeners, which are reset',
    clause: 'ERROR_REASON_SESSION_CLOSED',
    needs: 'tunnels',
    async run(context) {
      const sessionId = await context.createSession();
      const { near, far } = await pairOf(context, { sessionId });
      const listening = await Listening.start(context, { sessionId });
      const ends = [outcomeOf(near.ended()), outcomeOf(listening.next())];
      await context.sessions.closeSession({ sessionId });
      const summaries = (await Promise.all(ends)).map(({ summary }) => summary);
      const closed = 'NOT_FOUND/SESSION_CLOSED';
      ensureEqual(summaries, [closed, closed], 'how the connection and the listener end');
      ensureEqual((await far.ended()).kind, TunnelEnd.RESET, 'how it ended there');
      const later = Tunnel.open(context, { host: listening.host, port: listening.port });
      await ensureFails(later, 'UNAVAILABLE/TUNNEL_FAILED', 'to connect to the listener');
    },
  },
  {
    id: 'TUNNEL-32',
    title: 'Connections and listeners of an attachment end when another takes over',
    clause: 'TunnelOpen.attachment_id',
    needs: 'tunnels',
    async run(context) {
      const others = await context.createSession();
      const { id: attachmentId } = await context.attach();
      const { near, far } = await pairOf(context, { attachmentId }, { sessionId: others });
      const listening = await Listening.start(context, { attachmentId });
      const ends = [outcomeOf(near.ended()), outcomeOf(listening.next())];
      await context.attach({}, context.otherClients());
      const summaries = (await Promise.all(ends)).map(({ summary }) => summary);
      ensureEqual(summaries, [SUPERSEDED, SUPERSEDED], 'how the connection and the listener end');
      ensureEqual((await far.ended()).kind, TunnelEnd.RESET, 'how it ended there');
    },
  },
  {
    id: 'TUNNEL-33',
    title: 'Later calls of every kind of the older attachment fail',
    clause: 'ListenRequest.attachment_id',
    needs: 'tunnels',
    async run(context) {
      const { id: attachmentId } = await context.attach();
      await context.attach({}, context.otherClients());
      const { sessionId } = context;
      const listening = await Listening.start(context);
      await ensureAllFail(callsOf(context, { sessionId, attachmentId }, listening), SUPERSEDED);
      // The first to connect is another: those did not.
      const near = Tunnel.open(context, listening.target);
      const [made, far] = await Promise.all([near, listening.accept()]);
      made.send('first');
      ensureEqual(await far.readThrough('first'), 'first', 'what the first connection brings');
    },
  },
  {
    id: 'TUNNEL-34',
    title: 'Connections that carry no attachment go on through a take-over',
    clause: 'docs/sessions.md#fencing',
    needs: 'tunnels',
    async run(context) {
      await context.attach();
      const { near, far } = await pairOf(context);
      await context.attach({}, context.otherClients());
      near.send('still there');
      ensureEqual(await far.readThrough('there'), 'still there', 'what comes through');
    },
  },
  {
    id: 'TUNNEL-35',
    title: 'A silent connection and a silent listener carry a message without any, now and then',
    clause: 'ConnectResponse',
    needs: ['tunnels', 'heartbeats'],
    async run(context) {
      const { near } = await pairOf(context);
      const listening = await Listening.start(context);
      const beats = await Promise.all(
        [near, listening].map((silent) => ensureHeartbeat(context, silent.nextOfAll())),
      );
      const cases = beats.map((beat) => (beat as { readonly case?: string }).case);
      ensureEqual(cases, [undefined, undefined], 'the messages');
    },
  },
  {
    id: 'TUNNEL-40',
    title:
      'The ports of a session are those at which its processes listen, with all that came of them',
    clause: 'TunnelService.ListPorts',
    needs: ['tunnels', 'listeners'],
    async run(context) {
      const { sessionId } = context;
      ensureEqual((await context.tunnels.listPorts({ sessionId })).ports, [], 'the ports of none');
      const { port, processId } = await startListener(context, sessionId);
      const { ports, truncated } = await context.tunnels.listPorts({ sessionId });
      const told = ports.map((each) => [each.processId, each.host, each.port, each.ownNetwork]);
      ensureEqual(told, [[processId, '127.0.0.1', port, false]], 'the ports');
      ensureEqual(truncated, false, 'whether there are more');
      await Tunnel.open(context, { host: '127.0.0.1', port });
    },
  },
  {
    id: 'TUNNEL-41',
    title: 'Ports of one process are told alone, and those of another session never',
    clause: 'ListPortsRequest.process_id',
    needs: ['tunnels', 'listeners'],
    async run(context) {
      const { sessionId } = context;
      const others = await context.createSession();
      await startListener(context, others);
      const one = await startListener(context, sessionId);
      await startListener(context, sessionId);
      const ask = async (processId: string): Promise<unknown> => {
        const { ports } = await context.tunnels.listPorts({ sessionId, processId });
        return ports.map(({ port }) => port);
      };
      ensureEqual(await ask(one.processId), [one.port], 'the ports of one process');
      const { ports } = await context.tunnels.listPorts({ sessionId });
      ensureEqual(ports.length, 2, 'how many ports the session has');
      await ensureFails(ask('nothing'), 'NOT_FOUND/PROCESS_NOT_FOUND', 'one that there is not');
    },
  },
];
