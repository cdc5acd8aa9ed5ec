import { describe, expect, it } from 'vitest';
import { deferred } from '../../src/client/deferred.ts';
import { MAX_BEAT_MS, STOP_EXTENSION_MS, STOP_NOTICE_MS } from '../../src/limits.ts';
import type { Notice } from '../../src/systemd/notifier.ts';
import { serviceNotices } from '../../src/systemd/service-notices.ts';
import { FakeClock } from '../support/fake-clock.ts';

function made(watchdogMs?: number) {
  const clock = new FakeClock(0);
  const told: Notice[] = [];
  const notices = serviceNotices({
    notifier: { tell: (notice) => void told.push(notice), close: () => {} },
    clock,
    monotonicUs: () => BigInt(clock.monotonic()) * 1000n,
    watchdogMs,
  });
  /** The names of what was told since the last look. */
  const names = (): readonly string[] =>
    told.splice(0).map((notice) => Object.keys(notice).join(' '));
  return { clock, names, notices, told };
}

describe('a service that is ready', () => {
  it('says so, and beats at half of the time that its manager waits', () => {
    const { clock, names, notices } = made(4000);
    clock.advance(60_000);
    expect(names()).toEqual([]);
    notices.ready('Listening');
    expect(names()).toEqual(['READY STATUS', 'WATCHDOG']);
    clock.advance(1999);
    expect(names()).toEqual([]);
    clock.advance(4001);
    expect(names()).toEqual(['WATCHDOG', 'WATCHDOG', 'WATCHDOG']);
  });

  it('does not beat where nobody waits', () => {
    const { clock, names, notices } = made();
    notices.ready('Listening');
    clock.advance(60_000);
    expect(names()).toEqual(['READY STATUS']);
  });

  it('beats now and then however long somebody waits', () => {
    const { clock, names, notices } = made(1e15);
    notices.ready('Listening');
    names();
    clock.advance(MAX_BEAT_MS);
    expect(names()).toEqual(['WATCHDOG']);
  });

  it('says what people are to know once it is that', () => {
    const { notices, told } = made();
    notices.status('too early');
    notices.ready('Listening');
    notices.status('not ready for new work');
    expect(told).toEqual([
      { READY: '1', STATUS: 'Listening' },
      { STATUS: 'not ready for new work' },
    ]);
  });
});

describe('a service that reads its configuration again', () => {
  it('says when that began, and that it is over with what is true then', async () => {
    const { clock, notices, told } = made();
    notices.ready('Listening');
    told.splice(0);
    clock.advance(1234);
    const read = deferred<void>();
    const done = notices.reload(() => read.promise);
    expect(told.splice(0)).toEqual([
      { RELOADING: '1', MONOTONIC_USEC: '1234000', STATUS: 'Reading again what can be' },
    ]);
    notices.status('Listening elsewhere');
    told.splice(0);
    read.resolve();
    await done;
    expect(told).toEqual([{ READY: '1', STATUS: 'Listening elsewhere' }]);
  });

  it('is ready once all is over that was asked for meanwhile', async () => {
    const { names, notices } = made();
    notices.ready('Listening');
    names();
    const [first, second] = [deferred<void>(), deferred<void>()];
    const all = [notices.reload(() => first.promise), notices.reload(() => second.promise)];
    expect(names()).toEqual(['RELOADING MONOTONIC_USEC STATUS', 'RELOADING MONOTONIC_USEC STATUS']);
    second.resolve();
    await all[1];
    expect(names()).toEqual([]);
    first.resolve();
    await all[0];
    expect(names()).toEqual(['READY STATUS']);
  });

  it('says nothing of it before it is ready', async () => {
    const { names, notices } = made();
    const read = deferred<void>();
    const done = notices.reload(() => read.promise);
    notices.ready('Listening');
    read.resolve();
    await done;
    expect(names()).toEqual(['READY STATUS']);
  });

  it('is not ready again where it was asked to end meanwhile', async () => {
    const { names, notices } = made();
    notices.ready('Listening');
    const read = deferred<void>();
    const done = notices.reload(() => read.promise);
    notices.stopping(0);
    names();
    read.resolve();
    await done;
    await notices.reload(() => Promise.resolve());
    notices.status('draining');
    expect(names()).toEqual([]);
  });
});

describe('a service that ends', () => {
  it('asks for more time for as long as it may take, and beats on', () => {
    const { clock, names, notices, told } = made(20_000);
    notices.ready('Listening');
    names();
    notices.stopping(2 * STOP_NOTICE_MS + 1);
    expect(told[1]).toEqual({ EXTEND_TIMEOUT_USEC: String(STOP_EXTENSION_MS * 1000) });
    expect(names()).toEqual(['STOPPING STATUS', 'EXTEND_TIMEOUT_USEC']);
    clock.advance(10 * STOP_NOTICE_MS);
    const after = names();
    expect(after.filter((name) => name === 'EXTEND_TIMEOUT_USEC')).toHaveLength(2);
    expect(after).toContain('WATCHDOG');
    notices.close();
    expect(clock.pending).toBe(0);
  });
});
