import { describe, expect, it } from 'vitest';
import { RetainedEvents } from '../../src/output/retained-events.ts';

/** Events of a terminal that is resized before each piece of output, as `[seq, before]`. */
function resized(times: number): RetainedEvents {
  const events = new RetainedEvents({
    blockBytes: 4096,
    droppedIndexEntries: 100,
    onForgotten: () => {},
  });
  events.appendLifecycle(Buffer.from('started'), false);
  for (let i = 0; i < times; i++) {
    events.appendLifecycle(Buffer.from(`size ${i}`), true);
    events.appendOutput(0, 'terminal', Buffer.from('output'));
  }
  return events;
}

/** Records that are kept apart from their blocks, dropped or not. */
function kept(events: RetainedEvents): readonly string[] {
  const found: string[] = [];
  for (let seq = 1; seq < events.nextSeq; ) {
    const at = events.locate(seq);
    if (at.kind === 'record') found.push(Buffer.from(at.record.bytes).toString());
    if (at.kind === 'block') {
      for (const { bytes } of at.block.lifecycle) found.push(Buffer.from(bytes).toString());
      seq = at.block.lastSeq + 1;
    } else seq = (at.kind === 'gap' ? at.lastSeq : at.record.seq) + 1;
  }
  return found;
}

describe('the sizes of a terminal among its events', () => {
  it('are kept apart from output for the latest alone', () => {
    expect(kept(resized(3))).toEqual(['started', 'size 0', 'size 1', 'size 2']);
    const many = kept(resized(1_000));
    expect(many).toHaveLength(65);
    expect(many.slice(0, 2)).toEqual(['started', 'size 936']);
  });

  it('that were dropped leave the one in which what is retained was written', () => {
    const events = resized(10);
    events.dropThrough(15);
    // 1 started, then a size and output each: 14 is the size, 15 the output of the seventh.
    expect(kept(events).slice(0, 2)).toEqual(['started', 'size 6']);
    const gap = events.locate(2);
    expect(gap).toMatchObject({ kind: 'gap', lastSeq: 13, after: { terminal: 36 } });
    expect(events.locate(14)).toMatchObject({ kind: 'record' });
    expect(events.locate(15)).toMatchObject({ kind: 'gap', lastSeq: 15 });
  });

  it('that were dropped are part of a gap where they are too many', () => {
    const events = resized(1_000);
    events.dropThrough(101);
    expect(events.locate(2)).toMatchObject({ kind: 'gap', lastSeq: 101 });
  });
});
