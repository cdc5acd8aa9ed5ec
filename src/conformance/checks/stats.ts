import { durationMs } from '@bufbuild/protobuf/wkt';
import { ProcessState, StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { ensure, ensureEqual, ensureFails, ensureInvalid } from '../assert.ts';
import type { Check } from '../check.ts';
import type { CheckContext } from '../context.ts';
import { StatsReader } from '../stats-reader.ts';

const { CLOSED, EXITED, RUNNING } = ProcessState;

/** A stream with as many rounds as a server has at most, or as another request asks for. */
function read(
  { info, server, sessionId }: CheckContext,
  request: ConstructorParameters<typeof StatsReader>[1] = {},
): StatsReader {
  const interval = info.limits?.minStatsInterval;
  // So that a proxy takes it to the server that has the session.
  const metadata = { 'runlet-session-id': sessionId };
  return new StatsReader(server, { ...(interval && { interval }), ...request }, { metadata });
}

/** What sessions and processes use. */
export const stats: readonly Check[] = [
  {
    id: 'STATS-01',
    title: 'The first round begins anew, and has the sessions and processes that there are',
    clause: 'WatchStatsResponse.reset',
    needs: 'stats',
    async run(context) {
      const { processId, sessionId } = await context.startShell('exec sleep 1000');
      const { pid, startTime } = await context.get({ processId, sessionId });
      const reader = read(context);
      const { reset } = await reader.round();
      ensureEqual(reset, true, '`reset` of the first message');
      const { caller } = context.info;
      const session = [...reader.sessions.values()].find(
        ({ info }) => info.sessionId === sessionId,
      );
      ensureEqual(session?.info.owner, caller?.name, 'the owner of the session');
      ensureEqual(session?.processCount, 1, 'the number of its processes');
      const process = reader.process(processId);
      ensureEqual(process?.state, RUNNING, 'the state of the process');
      ensureEqual(
        [process?.info.sessionId, process?.info.program, process?.info.pid],
        [sessionId, '/bin/sh', pid],
        'session, program and pid of the process',
      );
      ensureEqual(process?.info.startTime, startTime, 'the time of its start');
      await reader.close();
    },
  },
  {
    id: 'STATS-02',
    title: 'A process that ends is told again, without what does not change',
    clause: 'ProcessStats.info',
    needs: 'stats',
    async run(context) {
      const target = await context.startShell('read line', { stdin: StdinMode.PIPE });
      const reader = read(context);
      await reader.round();
      const number = reader.process(target.processId)?.number;
      await context.write(target, 'go\n');
      const { messages, reset } = await reader.until(
        (it) => it.process(target.processId)?.state === CLOSED,
      );
      ensureEqual(reset, false, '`reset` of a later round');
      const told = messages.flatMap(({ processes }) => processes);
      const again = told.find((process) => process.number === number);
      ensure(again !== undefined, 'it is told by another number');
      ensureEqual(again.info, undefined, 'its `info`');
      ensure(again.exitTime !== undefined, 'it has no exit_time');
      await reader.close();
    },
  },
  {
    id: 'STATS-03',
    title: 'Bytes are counted that a process wrote to all of its streams, and that it was given',
    clause: 'ProcessStats.output_bytes',
    needs: 'stats',
    async run(context) {
      const script = 'read line; echo out; echo error >&2; exec sleep 1000';
      const target = await context.startShell(script, { stdin: StdinMode.PIPE });
      const reader = read(context);
      await context.write(target, 'four\n');
      await reader.until((it) => (it.process(target.processId)?.outputBytes ?? 0n) >= 10n);
      const process = reader.process(target.processId);
      ensureEqual([process?.outputBytes, process?.stdinBytes], [10n, 5n], 'output and stdin');
      await reader.close();
    },
  },
  {
    id: 'STATS-04',
    title: 'A session that was closed is taken away, and its processes',
    clause: 'WatchStatsResponse.removed_sessions',
    needs: 'stats',
    async run(context) {
      const sessionId = await context.createSession();
      const { processId } = await context.startShell('exec sleep 1000', {}, { sessionId });
      const reader = read(context);
      await reader.round();
      ensure(reader.process(processId) !== undefined, 'the process is not told');
      await context.sessions.closeSession({ sessionId });
      await reader.until((it) => it.process(processId) === undefined);
      const left = [...reader.sessions.values()].map(({ info }) => info.sessionId);
      ensure(!left.includes(sessionId), 'the session is still told');
      await reader.close();
    },
  },
  {
    id: 'STATS-05',
    title: 'An interval that is out of the range of the server is refused',
    clause: 'WatchStatsRequest.interval',
    needs: 'stats',
    async run(context) {
      const { maxStatsInterval, minStatsInterval } = context.info.limits ?? {};
      ensure(minStatsInterval && maxStatsInterval, 'the range is not told');
      ensure(durationMs(minStatsInterval) <= durationMs(maxStatsInterval), 'the range is empty');
      const { nanos, seconds } = maxStatsInterval;
      for (const [what, interval] of [
        ['no interval at all', { seconds: 0n, nanos: 0 }],
        ['one below zero', { seconds: -1n, nanos: 0 }],
        ['one above the longest', { seconds: seconds + 1n, nanos }],
      ] as const) {
        await ensureInvalid(read(context, { interval }).round(), /^interval$/, what);
      }
    },
  },
  {
    id: 'STATS-06',
    title: 'All callers are told of to one who is granted `admin`, and to no other',
    clause: 'WatchStatsRequest.all',
    needs: 'stats',
    async run(context) {
      const { processId } = await context.startShell('exec sleep 1000');
      const reader = read(context, { all: true });
      if (context.info.caller?.grants.includes('admin') === true) {
        await reader.round();
        ensure(reader.process(processId) !== undefined, 'the process of this caller is not told');
        await reader.close();
        return;
      }
      const what = 'the stream of one without it';
      const { info } = await ensureFails(reader.round(), 'PERMISSION_DENIED/GRANT_MISSING', what);
      ensureEqual(info?.metadata, { grant: 'admin' }, 'what the error names');
    },
  },
  {
    id: 'STATS-07',
    title: 'The totals of a round are those of what was told',
    clause: 'StatsRound.totals',
    needs: 'stats',
    async run(context) {
      await context.startShell('exec sleep 1000');
      await context.attach();
      const reader = read(context);
      for (let rounds = 0; rounds < 3; rounds++) {
        const { end } = await reader.round();
        const processes = [...reader.processes.values()];
        const inState = (wanted: ProcessState): number =>
          processes.filter(({ state }) => state === wanted).length;
        const sessions = [...reader.sessions.values()];
        const attached = sessions.filter((session) => session.attached).length;
        ensure(attached > 0, 'the session that is attached is not told as such');
        const { totals } = end;
        ensureEqual(
          [totals?.attachedSessions, totals?.detachedSessions],
          [attached, sessions.length - attached],
          'the sessions',
        );
        ensureEqual(
          [totals?.runningProcesses, totals?.exitedProcesses, totals?.closedProcesses],
          [inState(RUNNING), inState(EXITED), inState(CLOSED)],
          'the processes',
        );
      }
      await reader.close();
    },
  },
  {
    id: 'STATS-08',
    title: 'Rounds have a time each, which never goes back',
    clause: 'StatsRound.elapsed',
    needs: 'stats',
    async run(context) {
      const reader = read(context);
      let before = Number.NEGATIVE_INFINITY;
      for (let rounds = 0; rounds < 3; rounds++) {
        const { elapsed, time } = (await reader.round()).end;
        ensure(elapsed && time, 'a round has no time');
        ensure(durationMs(elapsed) > before, 'a round is not later than the one before');
        before = durationMs(elapsed);
      }
      await reader.close();
    },
  },
  {
    id: 'STATS-09',
    title: 'Those who read the events of a process are counted',
    clause: 'ProcessStats.readers',
    needs: 'stats',
    async run(context) {
      const target = await context.startShell('exec sleep 1000');
      const reader = read(context);
      await reader.round();
      ensureEqual(reader.process(target.processId)?.readers, 0, 'readers at first');
      const events = context.processes.watchProcess(target)[Symbol.asyncIterator]();
      await events.next();
      await reader.until((it) => it.process(target.processId)?.readers === 1);
      await events.return?.();
      await reader.until((it) => it.process(target.processId)?.readers === 0);
      await reader.close();
    },
  },
  {
    id: 'STATS-10',
    title: 'What a process uses has that of its descendants, and never gets less',
    clause: 'ProcessStats.cpu_time',
    needs: 'stats',
    async run(context) {
      const script = 'sh -c "while :; do :; done" & read line; kill $!; exec sleep 1000';
      const target = await context.startShell(script, { stdin: StdinMode.PIPE });
      const reader = read(context);
      // A server that cannot tell says so.
      if ((await reader.round()).end.usageElapsed === undefined) return;
      const used = (): number => {
        const { cpuTime } = reader.process(target.processId) ?? {};
        return cpuTime === undefined ? 0 : durationMs(cpuTime);
      };
      await reader.until(() => used() > 0);
      const before = used();
      const { members = 0, residentBytes = 0n } = reader.process(target.processId) ?? {};
      ensure(members >= 2, `it is told as ${members} processes, and not as two`);
      ensure(residentBytes > 0n, 'it is told as one without memory');
      await context.write(target, 'stop\n');
      await reader.until((it) => {
        ensure(used() >= before, 'its processor time became less');
        return it.process(target.processId)?.members === 1;
      });
      await reader.close();
    },
  },
];
