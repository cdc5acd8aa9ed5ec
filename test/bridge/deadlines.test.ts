import { EventEmitter } from 'node:events';
import { Metadata } from '@grpc/grpc-js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { callAt } from '../../src/bridge/call-edges.ts';
import { CallHold, CallMemory } from '../../src/bridge/call-memory.ts';
import { GrpcCallContext } from '../../src/bridge/grpc-call-context.ts';
import { RequestMeter } from '../../src/bridge/request-meter.ts';
import { MEMORY, startEcho, textsOf } from './echo-server.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

afterEach(() => void vi.useRealTimers());

describe('a call with a deadline that is far away', () => {
  it.each([24, 25, 49, 50, 100])('of %d days goes on until then', async (days) => {
    const deadlines: number[] = [];
    const { client } = await startEcho({
      async *serverStream({ text }, context) {
        deadlines.push(context.deadline);
        yield { text: `${text} ${context.header('runlet-call-edge')}` };
      },
    });
    const deadline = new Date(Date.now() + days * DAY_MS);
    const metadata = { 'runlet-call-edge': 'theirs' };
    const responses = client.serverStream({ text: 'hello' }, { deadline, metadata });
    expect(await textsOf(responses)).toEqual(['hello undefined']);
    // The header has 8 digits: of seconds or minutes at such a distance.
    expect(Math.abs((deadlines[0] ?? 0) - deadline.getTime())).toBeLessThan(DAY_MS);
  });

  it('fails then', async () => {
    vi.useFakeTimers({ now: 0 });
    const call = Object.assign(new EventEmitter(), {
      cancelled: false,
      metadata: new Metadata(),
      getDeadline: () => Number.POSITIVE_INFINITY,
      getPath: () => '/test',
      sendMetadata: () => {},
    });
    const sendFailure = vi.fn();
    const ending = { toStatus: () => ({}), sendFailure };
    const answers = new CallHold(new CallMemory(MEMORY).connect());
    const requests = new RequestMeter(answers, 0, () => {});
    const refuse = (): void => {};
    const memoryError = (): Error => new Error();
    const edge = {
      farDeadline: 40 * DAY_MS,
      peer: undefined,
      answers,
      requests,
      refuse,
      memoryError,
    };
    const context = new GrpcCallContext(call, ending, edge);
    vi.advanceTimersByTime(39 * DAY_MS);
    expect(context.signal.aborted).toBe(false);
    vi.advanceTimersByTime(2 * DAY_MS);
    expect(context.signal.aborted).toBe(true);
    expect(sendFailure.mock.calls).toEqual([[{ code: 4, details: 'Deadline exceeded' }]]);
    expect(await context.outcome).toEqual({ code: 4, error: undefined });
  });
});

describe('a time that is far away', () => {
  it('comes once, and can be taken back', () => {
    vi.useFakeTimers({ now: 0 });
    const times: number[] = [];
    callAt(60 * DAY_MS, () => times.push(Date.now()));
    const takeBack = callAt(50 * DAY_MS, () => times.push(Date.now()));
    vi.advanceTimersByTime(49 * DAY_MS);
    takeBack();
    vi.advanceTimersByTime(100 * DAY_MS);
    expect(times).toEqual([60 * DAY_MS]);
  });
});
