import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { principalLimits } from '../../src/policy/principal-limits.ts';
import { StdinBudgets } from '../../src/process/stdin-budgets.ts';
import { heldPipe, quiet } from './held-pipe.ts';

const MAX_BYTES = 20;

function budgetsOf(maxPrincipalStdinBytes: number): StdinBudgets {
  return new StdinBudgets(principalLimits({ ...DEFAULT_LIMITS, maxPrincipalStdinBytes }));
}

describe('stdin that waits', () => {
  it('is bounded for all processes of one principal together, and for no other', async () => {
    const budgets = budgetsOf(MAX_BYTES);
    const pipes = ['ada', 'ada', 'ben'].map((name) => heldPipe(1000, 0, budgets.of(name)));
    const writes = pipes.map((pipe) => pipe.write('x'.repeat(MAX_BYTES - 5)));
    await quiet();
    expect(writes.map(({ value }) => value)).toEqual(['pending', 'LIMIT_EXCEEDED', 'pending']);
    const fits = pipes[1]?.write('12345');
    await quiet();
    expect(fits?.value).toBe('pending');
    for (const pipe of pipes) pipe.pipe.close();
    await quiet();
    expect(budgets.size).toBe(0);
  });

  it('is given back however a write ends', async () => {
    const step = fc.record({
      kind: fc.constantFrom('write', 'write', 'release', 'fail', 'abort', 'close'),
      pipe: fc.nat(2),
      length: fc.integer({ min: 0, max: 12 }),
    });
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const budgets = budgetsOf(MAX_BYTES);
      const pipes = ['a', 'a', 'b'].map((name) => heldPipe(1000, 1, budgets.of(name)));
      const aborts: AbortController[] = [];
      for (const { kind, length, pipe: which } of steps) {
        const pipe = pipes[which];
        if (kind === 'write') {
          const controller = new AbortController();
          aborts.push(controller);
          pipe?.write('x'.repeat(length), {}, controller.signal);
        } else if (kind === 'abort') aborts.shift()?.abort('given up');
        else if (kind === 'close') pipe?.pipe.close();
        else if (kind === 'fail') pipe?.fail();
        else pipe?.release();
        await quiet();
      }
      for (const { pipe } of pipes) pipe.close();
      await quiet();
      expect(budgets.size).toBe(0);
    });
    await fc.assert(property);
  });
});
