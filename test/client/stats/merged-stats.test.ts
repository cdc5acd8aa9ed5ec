import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import type { Stats } from '../../../src/client/index.ts';
import { MergedStats } from '../../../src/client/stats/merged-stats.ts';
import { ProcessState } from '../../../src/gen/runlet/v1/process_pb.ts';
import { StatsRoundSchema, WatchStatsResponseSchema } from '../../../src/gen/runlet/v1/stats_pb.ts';

const { CLOSED, RUNNING } = ProcessState;

type Message = MessageInitShape<typeof WatchStatsResponseSchema>;

/** What is known after messages of a stream. */
class Rig {
  readonly merged = new MergedStats();

  take(message: Message): Stats | undefined {
    return this.merged.take(create(WatchStatsResponseSchema, message));
  }

  /** A round with one message. */
  round(elapsedMs: number, usageMs: number | undefined, message: Message): Stats {
    const elapsed = durationFromMs(elapsedMs);
    const round =
      usageMs === undefined ? { elapsed } : { elapsed, usageElapsed: durationFromMs(usageMs) };
    const stats = this.take({ ...message, round: create(StatsRoundSchema, round) });
    if (stats === undefined) throw new Error('it ends no round');
    return stats;
  }
}

const info = { sessionId: 's', processId: 'p', program: '/bin/p' };

function process(number: number, cpuMs: number | undefined, outputBytes: number) {
  return {
    number: BigInt(number),
    state: RUNNING,
    outputBytes: BigInt(outputBytes),
    ...(cpuMs === undefined ? {} : { cpuTime: durationFromMs(cpuMs) }),
  };
}

describe('what a stream of stats tells', () => {
  it('is known when a round ends', () => {
    const rig = new Rig();
    const first = { ...process(1, 0, 0), info };
    expect(rig.take({ reset: true, processes: [first] })).toBeUndefined();
    const second = { ...process(2, 0, 0), info: { ...info, processId: 'q' } };
    const stats = rig.round(0, 0, { processes: [second] });
    expect(stats.processes.map(({ id }) => id)).toEqual(['p', 'q']);
    expect(rig.round(1_000, 0, { removedProcesses: [1n] }).processes).toMatchObject([{ id: 'q' }]);
    expect(rig.round(2_000, 0, { reset: true }).processes).toEqual([]);
  });

  it('gives what is used in a second between two looks', () => {
    const rig = new Rig();
    const first = rig.round(0, 0, { processes: [{ ...process(1, 100, 0), info }] });
    expect(first.processes).toMatchObject([{ cpu: undefined, outputRate: undefined }]);
    // Rounds may come more often than looks.
    const second = rig.round(500, 0, { processes: [process(1, 100, 1_000)] });
    expect(second.processes).toMatchObject([{ cpu: undefined, outputRate: 2_000 }]);
    const third = rig.round(1_000, 1_000, { processes: [process(1, 600, 1_000)] });
    expect(third.processes).toMatchObject([{ cpu: 0.5, outputRate: 0 }]);
    expect(rig.round(1_500, 1_000, {}).processes).toMatchObject([{ cpu: 0.5, outputRate: 0 }]);
    // It was looked at, and nothing is told of it: it used nothing.
    expect(rig.round(3_000, 3_000, {}).processes).toMatchObject([{ cpu: 0, cpuMs: 600 }]);
  });

  it('counts what a process used from the first time that it was looked at', () => {
    const rig = new Rig();
    rig.round(0, 0, {});
    rig.round(1_000, 1_000, { processes: [{ ...process(1, 400, 0), info }] });
    const { processes } = rig.round(2_000, 2_000, { processes: [process(1, 500, 0)] });
    expect(processes).toMatchObject([{ cpu: 0.1 }]);
  });

  it('gives nothing of what is not told, and nothing for what has ended', () => {
    const rig = new Rig();
    rig.round(0, undefined, { processes: [{ ...process(1, undefined, 0), info }] });
    const { processes, usageLook } = rig.round(1_000, undefined, {});
    expect(usageLook).toBeUndefined();
    expect(processes).toMatchObject([
      { cpu: undefined, cpuMs: undefined, residentBytes: undefined },
    ]);
    const ended = rig.round(2_000, undefined, {
      processes: [{ ...process(1, 10, 0), state: CLOSED }],
    });
    expect(ended.processes).toMatchObject([{ cpu: 0, cpuMs: 10, state: 'closed' }]);
  });

  it('has what is told of the server', () => {
    const rig = new Rig();
    const end = (elapsedMs: number, cpuMs: number): Message => ({
      round: {
        elapsed: durationFromMs(elapsedMs),
        server: { cpuTime: durationFromMs(cpuMs), eventLoopDelay: durationFromMs(3) },
      },
    });
    expect(rig.take(end(0, 50))?.server?.cpu).toBeUndefined();
    expect(rig.take(end(1_000, 60))?.server).toMatchObject({ cpu: 0.01, eventLoopDelayMs: 3 });
    expect(rig.take({ round: {} })?.server).toBeUndefined();
  });
});
