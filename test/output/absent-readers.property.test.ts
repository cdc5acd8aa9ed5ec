import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import { MAX_ABSENT_READERS, READER_ABSENCE_MS } from '../../src/output/sizes.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { memoryStore, readNow } from '../support/output.ts';
import { hasGap, LogRig, type Reader } from './log-rig.ts';

const RETAINED_BYTES = 300;
const SLACK_BYTES = 1_000;
/** What one append may bring, and what the pieces of the slack and of a read are too many. */
const MARGIN_BYTES = 900;
const CLIENTS = 3;

type Operation =
  | { readonly kind: 'output'; readonly length: number }
  | { readonly kind: 'read'; readonly client: number; readonly maxBytes: number }
  /** Of what was received and not acknowledged, all but so many events. */
  | { readonly kind: 'acknowledge'; readonly client: number; readonly but: number }
  /** So many events that were sent and not acknowledged at most have arrived. */
  | { readonly kind: 'break'; readonly client: number; readonly arrived: number }
  | { readonly kind: 'return' | 'done'; readonly client: number }
  | { readonly kind: 'pass'; readonly part: number };

const client = fc.nat({ max: CLIENTS - 1 });

const operations = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('output' as const),
        length: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 200 })),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('read' as const),
        client,
        maxBytes: fc.integer({ min: 1, max: 400 }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('acknowledge' as const),
        client,
        but: fc.nat({ max: 3 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('break' as const),
        client,
        arrived: fc.nat({ max: 5 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('return' as const), client }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('done' as const), client }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('pass' as const),
        part: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
  ),
  { maxLength: 150, size: 'max' },
);

/** One that reads, and what it knows. */
interface Client {
  readonly readerId: string;
  /** Undefined: its connection broke. */
  reader: Reader | undefined;
  received: readonly ProcessEvent[];
  acknowledged: number;
  brokeOff: number;
  /** It has a right to everything: it was never away for too long, and never said that it goes. */
  owed: boolean;
}

class Model {
  readonly clock = new FakeClock();
  readonly rig = new LogRig({
    name: 'p',
    retainedBytes: RETAINED_BYTES,
    overflow: 'pause',
    slackBytes: SLACK_BYTES,
    store: memoryStore(this.clock),
  });
  readonly clients: readonly Client[] = Array.from({ length: CLIENTS }, (_, i) => {
    const readerId = `reader ${i}`;
    const reader = this.rig.open(0, [], { readerId });
    return { readerId, reader, received: [], acknowledged: 0, brokeOff: 0, owed: true };
  });

  apply(step: Operation): void {
    if (step.kind === 'output') {
      if (this.rig.log.flowing) this.rig.output('stdout', step.length);
      return;
    }
    if (step.kind === 'pass') {
      this.clock.advance(Math.ceil(step.part * READER_ABSENCE_MS));
      return;
    }
    const it = this.clients[step.client];
    if (it === undefined) return;
    if (step.kind === 'return') this.return(it);
    else if (it.reader === undefined) return;
    else if (step.kind === 'read') this.read(it, step.maxBytes);
    else if (step.kind === 'acknowledge') this.acknowledge(it, step.but);
    else if (step.kind === 'break') this.break(it, step.arrived);
    else this.done(it);
  }

  read({ reader }: Client, maxBytes: number): void {
    if (reader !== undefined) this.rig.take(reader, readNow(reader.cursor, maxBytes));
  }

  acknowledge(it: Client, but: number): void {
    const last = it.reader?.received.at(-1 - but)?.seq;
    it.acknowledged = Math.max(it.acknowledged, Number(last ?? 0n));
    this.rig.log.acknowledge(it.readerId, it.acknowledged);
  }

  /** Back where it was, which says that it has had what lies before. */
  return(it: Client): void {
    if (it.reader !== undefined) return;
    if (this.clock.monotonic() - it.brokeOff >= READER_ABSENCE_MS) it.owed = false;
    const received = [...it.received];
    it.acknowledged = Number(received.at(-1)?.seq ?? 0n);
    it.reader = this.rig.open(it.acknowledged, received, { readerId: it.readerId });
  }

  /** Its connection breaks, and of what it has not acknowledged so many events have arrived. */
  break(it: Client, arrived: number): void {
    const { reader } = it;
    if (reader === undefined) return;
    it.brokeOff = this.clock.monotonic();
    const had = reader.received.filter(({ seq }) => Number(seq) <= it.acknowledged).length;
    it.received = reader.received.slice(0, had + arrived);
    it.reader = undefined;
    this.rig.leave(reader);
  }

  /** It says that it leaves. */
  done(it: Client): void {
    it.owed = false;
    this.rig.log.acknowledge(it.readerId, 0, true);
    this.break(it, 0);
  }

  check(): void {
    const { log } = this.rig;
    expect(log.outputBytes).toBeLessThan(RETAINED_BYTES + SLACK_BYTES + MARGIN_BYTES);
    for (const { owed, reader } of this.clients) {
      if (owed && reader !== undefined) expect(hasGap(reader.received)).toBe(false);
    }
  }

  readAll(it: Client): void {
    const { reader } = it;
    if (reader === undefined) return;
    while (reader.cursor.nextSeq <= this.rig.log.lastSeq) this.read(it, 200);
    this.acknowledge(it, 0);
    this.rig.check(reader);
  }
}

/** Reads and acknowledges on until the process waits or has gone on for much more than is kept. */
function flood(model: Model, it: Client): void {
  for (let i = 0; i < 100 && model.rig.log.flowing; i++) {
    model.rig.output('stdout', 100);
    model.readAll(it);
  }
}

function twoOf({ clients }: Model): [Client, Client] {
  const [first, second] = clients;
  if (first === undefined || second === undefined) throw new Error('there are fewer');
  return [first, second];
}

describe('several readers of a log that pauses', () => {
  it('miss nothing when they are back in time, and hold nobody up for longer', () => {
    fc.assert(
      fc.property(operations, (steps) => {
        const model = new Model();
        for (const step of steps) {
          model.apply(step);
          model.check();
        }
        // Somebody has to be there, else nothing is dropped and the process waits.
        const [first] = twoOf(model);
        model.return(first);
        model.clock.advance(READER_ABSENCE_MS);
        for (const it of model.clients) model.readAll(it);
        expect(model.rig.log.flowing).toBe(true);
        expect(model.clock.pending).toBe(0);
        for (const it of model.clients) model.return(it);
        model.rig.close();
        for (const it of model.clients) model.readAll(it);
        model.check();
      }),
      { numRuns: 150 },
    );
  });

  it('wait for one that broke off, until it is back', () => {
    const model = new Model();
    const [gone, stays] = twoOf(model);
    model.apply({ kind: 'done', client: 2 });
    model.apply({ kind: 'break', client: 0, arrived: 0 });
    flood(model, stays);
    expect(model.rig.log.flowing).toBe(false);
    model.clock.advance(READER_ABSENCE_MS - 1);
    expect(model.rig.log.flowing).toBe(false);
    model.return(gone);
    model.readAll(gone);
    expect(model.rig.log.flowing).toBe(true);
    model.check();
    expect(model.clock.pending).toBe(0);
  });

  it('wait for one that does not come back no longer than a minute', () => {
    const model = new Model();
    const [, stays] = twoOf(model);
    model.apply({ kind: 'done', client: 2 });
    model.apply({ kind: 'break', client: 0, arrived: 0 });
    flood(model, stays);
    model.clock.advance(READER_ABSENCE_MS - 1);
    expect(model.rig.log.flowing).toBe(false);
    model.clock.advance(1);
    expect(model.rig.log.flowing).toBe(true);
  });

  it('do not wait for one that said that it leaves, before its stream ended or after', () => {
    const model = new Model();
    const [gone, stays] = twoOf(model);
    model.apply({ kind: 'done', client: 2 });
    model.apply({ kind: 'break', client: 0, arrived: 0 });
    flood(model, stays);
    expect(model.rig.log.flowing).toBe(false);
    model.rig.log.acknowledge(gone.readerId, 0, true);
    expect(model.rig.log.flowing).toBe(true);
    expect(model.clock.pending).toBe(0);
  });

  it('are heard when they say late what had arrived', () => {
    const model = new Model();
    const [gone, stays] = twoOf(model);
    model.apply({ kind: 'done', client: 2 });
    for (let i = 0; i < 5; i++) {
      model.rig.output('stdout', 100);
      for (const it of [gone, stays])
        model.apply({ kind: 'read', client: model.clients.indexOf(it), maxBytes: 1000 });
    }
    model.apply({ kind: 'break', client: 0, arrived: 0 });
    model.readAll(stays);
    expect(model.rig.log.outputBytes).toBe(500);
    model.rig.log.acknowledge(gone.readerId, model.rig.log.lastSeq);
    expect(model.rig.log.outputBytes).toBeLessThanOrEqual(RETAINED_BYTES);
  });

  it('are waited for up to a number, those that broke off last', () => {
    const model = new Model();
    const [, stays] = twoOf(model);
    for (const client of [0, 2]) model.apply({ kind: 'done', client });
    const others = Array.from({ length: MAX_ABSENT_READERS }, (_, i) =>
      model.rig.open(0, [], { readerId: `other ${i}` }),
    );
    const late = model.rig.open(0, [], { readerId: 'late' });
    const [first, ...more] = others;
    if (first === undefined) throw new Error('there is none');
    model.rig.leave(first);
    model.rig.output('stdout', 100);
    for (const other of more) {
      model.rig.take(other, readNow(other.cursor, 1_000));
      model.rig.log.acknowledge(other.cursor.readerId, model.rig.log.lastSeq);
      model.rig.leave(other);
    }
    for (let i = 0; i < 2; i++) {
      model.rig.output('stdout', 150);
      model.readAll(stays);
      model.rig.take(late, readNow(late.cursor, 1_000));
      model.rig.log.acknowledge('late', model.rig.log.lastSeq);
    }
    // The first has had nothing of all that, and is waited for.
    expect(model.rig.log.outputBytes).toBe(400);
    model.rig.leave(late);
    expect(model.rig.log.outputBytes).toBeLessThanOrEqual(RETAINED_BYTES);
  });
});
