import { describe, expect, it } from 'vitest';
import { terminalInput } from '../../../src/process/native/terminal-input.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** A terminal that takes as many bytes as it has room for, and what is written to it. */
function fakeTerminal() {
  const clock = new FakeClock();
  const taken: number[] = [];
  const state = { room: 0, tries: 0, broken: false };
  const input = terminalInput((data) => {
    state.tries += 1;
    if (state.broken) throw new Error('EIO');
    const count = Math.min(state.room, data.byteLength);
    state.room -= count;
    taken.push(...data.subarray(0, count));
    return count;
  }, clock);
  input.on('error', () => {});
  return { clock, input, state, received: () => Buffer.from(taken).toString('latin1') };
}

/** Writes; resolves with the error, if there is one. */
function written(
  input: ReturnType<typeof terminalInput>,
  data: string,
): Promise<Error | null | undefined> {
  return new Promise((resolve) => input.write(data, resolve));
}

describe('what is written to a terminal', () => {
  it('is there before the next thing is done, where there is room for it', () => {
    const { clock, input, received, state } = fakeTerminal();
    state.room = 100;
    input.write('typed\n');
    expect(received()).toBe('typed\n');
    expect(clock.pending).toBe(0);
  });

  it('waits for room, and comes whole and in order', async () => {
    const { clock, input, received, state } = fakeTerminal();
    const text = Array.from({ length: 5000 }, (_, i) => `${i}\n`).join('');
    const first = written(input, text);
    const second = written(input, 'after it\n');
    while (received().length < text.length) {
      state.room = 777;
      clock.advance(1000);
    }
    expect(await first).toBeFalsy();
    state.room = 777;
    expect(await second).toBeFalsy();
    expect(received()).toBe(`${text}after it\n`);
  });

  it('is offered no more than some ten times in a second to a program that does not read', () => {
    const { clock, input, state } = fakeTerminal();
    input.write('pasted\n');
    clock.advance(1000);
    const before = state.tries;
    clock.advance(60_000);
    expect(state.tries - before).toBeLessThanOrEqual(600);
  });

  it('is offered again soon while the program takes some of it', () => {
    const { clock, input, received, state } = fakeTerminal();
    input.write('x'.repeat(100));
    clock.advance(60_000);
    const oneEachMs = (): void => {
      state.room = 1;
      clock.advance(1);
    };
    while (received() === '') oneEachMs();
    for (let ms = 0; ms < 49; ms++) oneEachMs();
    expect(received().length).toBe(50);
  });

  it('is not all taken in one turn, however fast the program reads', () => {
    const { clock, input, received, state } = fakeTerminal();
    state.room = Number.POSITIVE_INFINITY;
    input.write(Buffer.alloc(1024 * 1024, 'x'));
    expect(received().length).toBeLessThan(128 * 1024);
    clock.advance(100);
    expect(received().length).toBe(1024 * 1024);
  });

  it('comes before the end of file', async () => {
    const { clock, input, received, state } = fakeTerminal();
    const first = written(input, 'unfinished');
    input.end();
    state.room = 100;
    clock.advance(1000);
    await first;
    await new Promise((resolve) => input.once('finish', resolve));
    expect(received()).toBe('unfinished\x04\x04');
  });

  it('fails if the terminal is gone', async () => {
    const { clock, input, state } = fakeTerminal();
    const failed = written(input, 'typed\n');
    state.broken = true;
    clock.advance(1000);
    expect(await failed).toMatchObject({ message: 'EIO' });
    expect(clock.pending).toBe(0);
  });

  it('is given up when it is closed, and its descriptor is not touched again', async () => {
    const { clock, input, state } = fakeTerminal();
    const failed = written(input, 'typed\n');
    input.destroy();
    expect(await failed).toBeInstanceOf(Error);
    const { tries } = state;
    clock.advance(60_000);
    expect(state.tries).toBe(tries);
    expect(clock.pending).toBe(0);
  });
});
