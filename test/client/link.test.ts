import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import type { CallOptions } from '../../src/bridge/types.ts';
import type { Connection } from '../../src/client/connection.ts';
import { ConnectionError } from '../../src/client/errors.ts';
import { Link } from '../../src/client/link.ts';
import { clientSettings } from '../../src/client/options.ts';
import {
  AttachMode,
  type AttachSessionRequest,
  type AttachSessionResponse,
  AttachSessionResponseSchema,
} from '../../src/gen/runlet/v1/session_pb.ts';
import { errorOf } from '../support/client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { settle } from '../support/settle.ts';

const WINDOW_MS = 10_000;
const SILENCE_MS = 30_000;

/** A server that is there or not, of which nothing but `AttachSession` is called. */
class ScriptedServer {
  readonly requests: AttachSessionRequest[] = [];
  /** When each attempt came. */
  readonly times: number[] = [];
  open = 0;
  there = true;
  /** Says nothing, as one that was stopped. */
  silent = false;
  readonly #clock: FakeClock;
  readonly #streams = new Set<(error: Error) => void>();

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  readonly connect = (): Connection => {
    this.open += 1;
    const attachSession = (request: AttachSessionRequest, options: CallOptions) =>
      this.#attach(request, options);
    const close = (): void => {
      this.open -= 1;
    };
    return { sessions: { attachSession }, close } as never;
  };

  /** Ends every connection. */
  cut(): void {
    for (const fail of this.#streams) fail(new ConnectionError('cut', false));
  }

  async *#attach(
    request: AttachSessionRequest,
    { signal }: CallOptions,
  ): AsyncGenerator<AttachSessionResponse> {
    this.requests.push(request);
    this.times.push(this.#clock.monotonic());
    if (!this.there) throw new ConnectionError('refused', false);
    const failed = new Promise<never>((_, reject) => {
      this.#streams.add(reject);
      signal?.addEventListener('abort', () => reject(new ConnectionError('cancelled', false)));
    });
    if (!this.silent) yield attached();
    await failed;
  }
}

function attached(): AttachSessionResponse {
  const session = { detachedTtl: durationFromMs(WINDOW_MS) };
  const value = { attachmentId: 'a', session, processes: [], nextPageToken: '' };
  return create(AttachSessionResponseSchema, { event: { event: { case: 'attached', value } } });
}

interface Rig {
  readonly clock: FakeClock;
  readonly server: ScriptedServer;
  readonly link: Link;
  /** What was told of the connection. */
  readonly told: readonly boolean[];
}

function makeRig(prepare: (server: ScriptedServer) => void = () => {}): Rig {
  const clock = new FakeClock();
  const server = new ScriptedServer(clock);
  prepare(server);
  const told: boolean[] = [];
  const link = new Link({
    sessionId: 's',
    settings: {
      ...clientSettings({ connectTimeoutMs: 5_000, attemptTimeoutMs: 1_000 }),
      clock,
      random: () => 0,
      onConnectionChange: (connected) => told.push(connected),
    },
    open: server.connect,
    attach: true,
    firstMode: AttachMode.TAKE_OVER,
    silenceMs: SILENCE_MS,
    listener: { onAttached: () => {}, onEvent: () => {}, onLost: () => {} },
  });
  return { clock, server, link, told };
}

/** Lets time pass in small steps, and everything happen that comes of it. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    clock.advance(50);
    await settle();
  }
}

describe('a link', () => {
  it('takes over first, and resumes from then on, each attempt with the next number', async () => {
    const { clock, link, server } = makeRig();
    await link.ready();
    for (let i = 0; i < 3; i += 1) {
      server.cut();
      await settle();
      await pass(clock, 500);
    }
    const { RESUME, TAKE_OVER } = AttachMode;
    expect(server.requests.map(({ mode }) => mode)).toEqual([TAKE_OVER, RESUME, RESUME, RESUME]);
    expect(server.requests.map(({ attempt }) => attempt)).toEqual([1n, 2n, 3n, 4n]);
    expect(new Set(server.requests.map(({ holderId }) => holderId)).size).toBe(1);
    expect(server.open).toBe(1);
    link.end(new Error('left'));
    await settle();
    expect([server.open, clock.pending]).toEqual([0, 0]);
  });

  it('tries with growing pauses until the window has passed, and then never again', async () => {
    const { clock, link, server } = makeRig();
    await link.ready();
    server.there = false;
    server.cut();
    await settle();
    const waiting = errorOf(link.ready());
    const lostAt = clock.monotonic();
    await pass(clock, WINDOW_MS - 100);
    expect(link.lost).toBeUndefined();
    await pass(clock, 200);
    expect(await waiting).toMatchObject({ reason: 'window-passed' });
    const attempts = server.times.filter((time) => time >= lostAt);
    const pauses = attempts.slice(1).map((time, i) => time - (attempts[i] ?? 0));
    expect(pauses.slice(0, 4)).toEqual([50, 100, 200, 400]);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1_500);
    const count = server.times.length;
    await pass(clock, 60_000);
    expect(server.times.length).toBe(count);
    expect(await errorOf(link.ready())).toMatchObject({ reason: 'window-passed' });
    expect([server.open, clock.pending]).toEqual([0, 0]);
  });

  it('counts the window from the loss, anew for each', async () => {
    const { clock, link, server } = makeRig();
    await link.ready();
    for (let i = 0; i < 3; i += 1) {
      server.there = false;
      server.cut();
      await pass(clock, WINDOW_MS - 2_000);
      server.there = true;
      await pass(clock, 2_000);
      expect(link.connected).toBe(true);
    }
  });

  it('gives up an attempt that is not answered, though not the window', async () => {
    const { clock, link, server } = makeRig();
    await link.ready();
    server.silent = true;
    server.cut();
    await pass(clock, 5_000);
    expect(server.requests.length).toBeGreaterThan(3);
    expect(server.open).toBeLessThanOrEqual(1);
    server.silent = false;
    await pass(clock, 3_000);
    expect(link.connected).toBe(true);
  });

  it('takes a stream that is silent for too long for dead', async () => {
    const { clock, link, server } = makeRig();
    await link.ready();
    await pass(clock, SILENCE_MS - 50);
    expect(server.requests).toHaveLength(1);
    await pass(clock, 300);
    expect(server.requests).toHaveLength(2);
    expect(link.connected).toBe(true);
  });

  it('that never reached its server says so after the time to connect', async () => {
    const { clock, link, server } = makeRig((scripted) => {
      scripted.there = false;
    });
    const waiting = errorOf(link.ready());
    await pass(clock, 6_000);
    expect(await waiting).toMatchObject({ name: 'ConnectionError', outcomeUnknown: false });
    expect(server.requests.every(({ mode }) => mode === AttachMode.TAKE_OVER)).toBe(true);
    expect([server.open, clock.pending]).toEqual([0, 0]);
  });

  it('tells of each break and of its end, and not of the first connection', async () => {
    const { clock, link, server, told } = makeRig();
    await link.ready();
    await settle();
    expect(told).toEqual([]);
    server.cut();
    await settle();
    expect(told).toEqual([false]);
    await pass(clock, 500);
    expect(told).toEqual([false, true]);
    link.end(new Error('left'));
    await settle();
    expect(told).toEqual([false, true]);
  });

  it('begins anew when a call on its connections did not come through', async () => {
    const { clock, link, server } = makeRig();
    const generation = await link.ready();
    link.suspect(generation);
    await pass(clock, 200);
    expect(generation.signal.aborted).toBe(true);
    expect(await link.ready()).not.toBe(generation);
    expect(server.requests).toHaveLength(2);
  });
});
