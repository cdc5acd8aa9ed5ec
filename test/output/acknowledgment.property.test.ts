import { toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import { ProcessEventSchema } from '../../src/gen/runlet/v1/event_pb.ts';
import { MIN_EVENT_BYTES } from '../../src/output/sizes.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { memoryStore, readNow } from '../support/output.ts';
import { hasGap, LogRig, type Reader } from './log-rig.ts';

const RETAINED_BYTES = 300;
const SLACK_BYTES = 1_000;
/** What one append may bring, and what the pieces of the slack and of a read are too many. */
const MARGIN_BYTES = 900;

type Operation =
  | { readonly kind: 'output'; readonly length: number }
  | { readonly kind: 'read'; readonly maxBytes: number }
  /** Of what was received and not acknowledged, all but so many events. */
  | { readonly kind: 'acknowledge'; readonly but: number }
  /** So many events that were sent never arrived, as far as the reader says or the slack goes. */
  | { readonly kind: 'break'; readonly lost: number; readonly ghost: boolean };

const operations = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('output' as const),
        length: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 200 })),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('read' as const),
        maxBytes: fc.integer({ min: 1, max: 400 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), but: fc.nat({ max: 5 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('break' as const),
        lost: fc.nat({ max: 40 }),
        ghost: fc.boolean(),
      }),
    },
  ),
  { maxLength: 100, size: 'max' },
);

interface Client {
  readonly rig: LogRig;
  reader: Reader;
  /** Events that it said it has had, by whatever. */
  acknowledged: number;
}

/** A process that writes only while its pipe is read, and whose only client loses connections. */
function client(readerId: string): Client {
  const rig = new LogRig({
    name: 'p',
    retainedBytes: RETAINED_BYTES,
    overflow: 'pause',
    slackBytes: SLACK_BYTES,
    store: memoryStore(new FakeClock()),
  });
  return { rig, reader: rig.open(0, [], { readerId }), acknowledged: 0 };
}

function apply(client: Client, step: Operation, readerId: string): void {
  const { reader, rig } = client;
  const { received } = reader;
  switch (step.kind) {
    case 'output':
      if (rig.log.flowing) rig.output('stdout', step.length);
      return;
    case 'read':
      rig.take(reader, readNow(reader.cursor, step.maxBytes));
      return;
    case 'acknowledge':
      if (readerId === '') return;
      client.acknowledged = Math.max(client.acknowledged, received.length - step.but);
      rig.log.acknowledge(readerId, client.acknowledged);
      return;
    case 'break': {
      const kept = received.slice(0, client.acknowledged + step.lost);
      const arrived = readerId === '' ? withinSlack(client, step.lost) : kept;
      client.acknowledged = arrived.length;
      // The server may notice only later that the connection is gone.
      if (!step.ghost) rig.leave(reader);
      client.reader = rig.open(arrived.length, [...arrived], { readerId });
      if (step.ghost) rig.leave(reader);
    }
  }
}

/** The last events never arrived, as many as a window with the size of the slack holds. */
function withinSlack(
  { acknowledged, reader: { received } }: Client,
  lost: number,
): readonly ProcessEvent[] {
  let bytes = 0;
  let length = received.length;
  for (; length > acknowledged && received.length - length < lost; length--) {
    const event = received[length - 1];
    // As an element of the field `events`, and as the smallest that an event counts as.
    if (event !== undefined) bytes += Math.max(64, toBinary(ProcessEventSchema, event).length + 3);
    if (bytes > SLACK_BYTES) break;
  }
  return received.slice(0, length);
}

function checkBreaks(readerId: string): void {
  fc.assert(
    fc.property(operations, (steps) => {
      const it = client(readerId);
      for (const step of steps) {
        apply(it, step, readerId);
        if (step.kind === 'break') it.rig.check(it.reader);
        expect(it.rig.log.outputBytes).toBeLessThan(RETAINED_BYTES + SLACK_BYTES + MARGIN_BYTES);
      }
      while (it.reader.cursor.nextSeq <= it.rig.log.lastSeq) {
        apply(it, { kind: 'read', maxBytes: 200 }, readerId);
      }
      apply(it, { kind: 'acknowledge', but: 0 }, readerId);
      // Who has had all is not waited for.
      expect(it.rig.log.flowing).toBe(true);
      it.rig.close();
      while (!it.reader.cursor.ended) apply(it, { kind: 'read', maxBytes: 200 }, readerId);
      it.rig.checkWhole(it.reader);
      expect(hasGap(it.reader.received)).toBe(false);
    }),
    { numRuns: 80 },
  );
}

describe('a log that pauses, whose reader loses connections', () => {
  it('has all again that the reader has not acknowledged, and waits for no more than that', () => {
    checkBreaks('reader');
  });

  it('has again what may be on its way to a reader that acknowledges nothing', () => {
    checkBreaks('');
  });

  it('keeps for a process that is closed what was not acknowledged', () => {
    const it = client('reader');
    while (it.rig.log.flowing) it.rig.output('stdout', 200);
    apply(it, { kind: 'read', maxBytes: 10_000 }, 'reader');
    while (it.rig.log.flowing) it.rig.output('stdout', 200);
    it.rig.close();
    apply(it, { kind: 'break', lost: 0, ghost: false }, 'reader');
    while (!it.reader.cursor.ended) apply(it, { kind: 'read', maxBytes: 200 }, 'reader');
    it.rig.checkWhole(it.reader);
    expect(hasGap(it.reader.received)).toBe(false);
  });

  it('keeps no more than is to be retained of what was acknowledged', () => {
    const it = client('reader');
    for (let i = 0; i < 20; i++) {
      it.rig.output('stdout', 100);
      apply(it, { kind: 'read', maxBytes: 10_000 }, 'reader');
    }
    expect(it.rig.log.outputBytes).toBe(2_000);
    apply(it, { kind: 'acknowledge', but: 0 }, 'reader');
    expect(it.rig.log.outputBytes).toBeLessThanOrEqual(RETAINED_BYTES);
    expect(it.rig.log.outputBytes).toBeGreaterThan(RETAINED_BYTES - MIN_EVENT_BYTES);
  });

  it('stands still while more than the slack was sent and is not acknowledged', () => {
    const it = client('reader');
    for (let i = 0; it.rig.log.flowing; i++) {
      expect(i).toBeLessThan(100);
      it.rig.output('stdout', 100);
      apply(it, { kind: 'read', maxBytes: 10_000 }, 'reader');
    }
    apply(it, { kind: 'acknowledge', but: 0 }, 'reader');
    expect(it.rig.log.flowing).toBe(true);
  });

  it('goes on when a reader that acknowledges nothing more leaves, and no other will come', () => {
    const it = client('reader');
    while (it.rig.log.flowing) it.rig.output('stdout', 100);
    it.rig.log.abandon();
    expect(it.rig.log.flowing).toBe(false);
    it.rig.leave(it.reader);
    expect(it.rig.log.flowing).toBe(true);
  });

  it('does not wait for a connection that is gone once its reader is back on another', () => {
    const it = client('reader');
    const { reader: gone } = it;
    while (it.rig.log.flowing) it.rig.output('stdout', 100);
    it.reader = it.rig.open(0, [], { readerId: 'reader' });
    apply(it, { kind: 'read', maxBytes: 10_000 }, 'reader');
    apply(it, { kind: 'acknowledge', but: 0 }, 'reader');
    expect(it.rig.log.flowing).toBe(true);
    it.rig.output('stdout', 100);
    it.rig.leave(gone);
    apply(it, { kind: 'read', maxBytes: 10_000 }, 'reader');
    it.rig.check(it.reader);
  });

  it('refuses what lies beyond its end, and takes nothing for a reader that it does not have', () => {
    const { reader, rig } = client('reader');
    const beyond = expect.objectContaining({ reason: 'SEQ_BEYOND_END' });
    expect(() => rig.log.acknowledge('reader', 2)).toThrow(beyond);
    expect(() => reader.cursor.acknowledge(2)).toThrow(beyond);
    rig.log.acknowledge('another', 1);
    expect(reader.cursor.acknowledgment.seq).toBe(0);
  });
});
