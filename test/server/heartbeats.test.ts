import { describe, expect, it } from 'vitest';
import { withHeartbeats } from '../../src/server/heartbeats.ts';
import { FakeClock } from '../support/fake-clock.ts';

const BEAT = 'beat';
const EVERY_MS = 1_000;

/** A source whose messages are given one at a time. */
class Source {
  readonly #given: ((message: string | undefined) => void)[] = [];
  /** How often it was asked for a message. */
  asked = 0;
  returned = false;

  async *messages(): AsyncGenerator<string> {
    try {
      for (;;) {
        this.asked += 1;
        const message = await new Promise<string | undefined>((resolve) => {
          this.#given.push(resolve);
        });
        if (message === undefined) return;
        yield message;
      }
    } finally {
      this.returned = true;
    }
  }

  give(message: string | undefined): void {
    this.#given.shift()?.(message);
  }
}

function begin() {
  const clock = new FakeClock();
  const source = new Source();
  const stream = withHeartbeats(source.messages(), BEAT, EVERY_MS, clock);
  const next = async (): Promise<string | undefined> => {
    const { done, value } = await stream.next();
    return done === true ? undefined : value;
  };
  return { clock, next, source, stream };
}

describe('a stream with heartbeats', () => {
  it('says something wherever nothing came for so long, as often as that is', async () => {
    const { clock, next, source } = begin();
    for (let i = 0; i < 3; i++) {
      const beat = next();
      await expect.poll(() => clock.pending).toBe(1);
      clock.advance(EVERY_MS);
      expect(await beat).toBe(BEAT);
    }
    // The source was asked once, and what it gives is not lost.
    expect(source.asked).toBe(1);
    const message = next();
    source.give('first');
    expect(await message).toBe('first');
  });

  it('is silent for less', async () => {
    const { clock, next, source } = begin();
    for (const text of ['first', 'second']) {
      const message = next();
      await expect.poll(() => clock.pending).toBe(1);
      clock.advance(EVERY_MS - 1);
      source.give(text);
      expect(await message).toBe(text);
    }
    // Of the silence since the second.
    const beat = next();
    clock.advance(1);
    await expect.poll(() => clock.pending).toBe(1);
    clock.advance(EVERY_MS - 1);
    expect(await beat).toBe(BEAT);
  });

  it('asks for a message only when the one before was taken', async () => {
    const { next, source } = begin();
    const message = next();
    source.give('first');
    await message;
    expect(source.asked).toBe(1);
    const second = next();
    await expect.poll(() => source.asked).toBe(2);
    source.give('second');
    await second;
  });

  it('ends as its source does', async () => {
    const { clock, next, source } = begin();
    const end = next();
    source.give(undefined);
    expect(await end).toBeUndefined();
    expect(clock.pending).toBe(0);
    async function* failing(): AsyncGenerator<string> {
      yield 'first';
      throw new Error('it failed');
    }
    const failed = withHeartbeats(failing(), BEAT, EVERY_MS, clock);
    expect(await failed.next()).toEqual({ done: false, value: 'first' });
    await expect(failed.next()).rejects.toThrow('it failed');
    expect(clock.pending).toBe(0);
  });

  it('returns from its source where nobody wants more, and waits for nothing', async () => {
    const { clock, next, source, stream } = begin();
    const beat = next();
    await expect.poll(() => clock.pending).toBe(1);
    clock.advance(EVERY_MS);
    await beat;
    // The source is at work still.
    await stream.return(undefined);
    expect(source.returned).toBe(false);
    source.give('too late');
    await expect.poll(() => source.returned).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('has nobody hear of what fails in a source that nobody waits for', async () => {
    const clock = new FakeClock();
    let fail: (error: Error) => void = () => {};
    async function* failing(): AsyncGenerator<string> {
      await new Promise((_resolve, reject) => {
        fail = reject;
      });
      yield 'never';
    }
    const left = withHeartbeats(failing(), BEAT, EVERY_MS, clock);
    const beat = left.next();
    await expect.poll(() => clock.pending).toBe(1);
    clock.advance(EVERY_MS);
    await beat;
    await left.return(undefined);
    // A rejection that nobody handles would fail the run of these tests.
    fail(new Error('nobody waits'));
    await new Promise(setImmediate);
    expect(clock.pending).toBe(0);
  });
});
