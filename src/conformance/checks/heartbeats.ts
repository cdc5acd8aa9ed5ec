import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { ensureEqual } from '../assert.ts';
import type { Check } from '../check.ts';
import { ensureHeartbeat } from '../heartbeat.ts';

/** Streams on which nothing happens. */
export const heartbeats: readonly Check[] = [
  {
    id: 'BEAT-01',
    title: 'A silent stream of events carries a message without any, now and then',
    clause: 'WatchProcessResponse.events',
    needs: 'heartbeats',
    async run(context) {
      const target = await context.startShell('exec sleep 1000');
      const request = { ...target, afterSeq: 1n };
      const stream = context.processes.watchProcess(request)[Symbol.asyncIterator]();
      const beat = (await ensureHeartbeat(context, stream.next())) as {
        readonly value?: { readonly events: unknown };
      };
      ensureEqual(beat.value?.events, [], 'the events of the message');
      await stream.return?.();
    },
  },
  {
    id: 'BEAT-02',
    title: 'A silent stream that is attached carries the event `heartbeat`, now and then',
    clause: 'SessionEvent.heartbeat',
    needs: 'heartbeats',
    async run(context) {
      const sessionId = await context.createSession();
      const attachment = await context.attach({ sessionId });
      const beat = (await ensureHeartbeat(context, attachment.nextOfAll())) as {
        readonly case?: string;
      };
      ensureEqual(beat.case, 'heartbeat', 'the event');
      await attachment.detach();
    },
  },
  {
    id: 'BEAT-03',
    title: 'A heartbeat takes no number: the events after it go on where those before it ended',
    clause: 'Limits.heartbeat_interval',
    needs: 'heartbeats',
    async run(context) {
      const target = await context.startShell('exec sleep 1000');
      const reader = context.watch(target);
      const interval = context.info.limits?.heartbeatInterval ?? durationFromMs(0);
      await reader.untilKind('started');
      await context.letPass(4 * durationMs(interval));
      await context.processes.signalProcess({ ...target, signal: 15 });
      const numbers = (await reader.rest()).map(({ seq }) => seq);
      ensureEqual(numbers, [2n, 3n], 'the numbers of the two events that follow');
    },
  },
];
