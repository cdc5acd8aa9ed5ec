import { describe, expect, it } from 'vitest';
import { type Check, examine, findingOf } from '../../src/doctor/check.ts';
import { CHECKS } from '../../src/doctor/checks.ts';
import type { Surroundings } from '../../src/doctor/surroundings.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** As much of the surroundings as matters to whatever looks at none of them. */
const LINUX = { platform: 'linux' } as Surroundings;

function checkThat(look: Check<'bad'>['look'], options: Partial<Check<'bad'>> = {}): Check<'bad'> {
  return {
    name: 'thing',
    about: 'what a thing is',
    required: true,
    problems: { bad: { consequence: 'Nothing goes beyond {most}.', remedy: 'Raise {most}.' } },
    look,
    ...options,
  };
}

describe('a check', () => {
  it('finds what is well', async () => {
    const check = checkThat(() => ({ detail: 'it is there' }));
    expect(await examine(check, LINUX, new FakeClock())).toEqual({
      name: 'thing',
      ok: true,
      required: true,
      detail: 'it is there',
      consequence: undefined,
      remedy: undefined,
    });
  });

  it('finds what is not, and says what was found', async () => {
    const check = checkThat(() => ({
      detail: 'there are 3',
      problem: 'bad',
      required: false,
      values: { most: 3 },
    }));
    expect(await examine(check, LINUX, new FakeClock())).toEqual({
      name: 'thing',
      ok: false,
      required: false,
      detail: 'there are 3',
      consequence: 'Nothing goes beyond 3.',
      remedy: 'Raise 3.',
    });
  });

  it('that fails is a finding', async () => {
    const check = checkThat(() => {
      throw new Error('it is broken');
    });
    expect(await examine(check, LINUX, new FakeClock())).toMatchObject({
      ok: false,
      required: true,
      detail: 'it is broken',
      consequence: 'It is not known how it is with this: what a thing is.',
      remedy: expect.stringContaining('runlet doctor'),
    });
  });

  it('that does not answer is a finding', async () => {
    const clock = new FakeClock();
    const check = checkThat(() => new Promise(() => {}), { boundMs: 3000 });
    const found = examine(check, LINUX, clock);
    // So that its timer is set.
    await Promise.resolve();
    clock.advance(3000);
    expect(await found).toMatchObject({
      ok: false,
      detail: 'it did not answer within 3 seconds',
    });
  });

  it('of Linux is not made elsewhere', async () => {
    const check = checkThat(() => ({ detail: 'never' }), { elsewhere: 'bad' });
    const found = await examine(check, { platform: 'darwin' } as Surroundings, new FakeClock());
    expect(found).toMatchObject({
      ok: false,
      required: false,
      detail: 'it is of Linux, and this is darwin',
      remedy: 'Run the server on Linux.',
    });
  });

  it('does not leave out what a text is to say', () => {
    const check = checkThat(() => ({ detail: '' }));
    const outcome = { detail: 'there are some', problem: 'bad' } as const;
    expect(() => findingOf(check, outcome)).toThrow('nothing is known of most');
  });
});

describe('the checks', () => {
  it('have names that differ, of small letters', () => {
    const names = CHECKS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
  });

  it.each(CHECKS.map((check) => [check.name, check] as const))(
    'say whole sentences of %s',
    (_name, { about, elsewhere, problems }) => {
      expect(about).toMatch(/[^.]$/);
      if (elsewhere !== undefined) expect(Object.keys(problems)).toContain(elsewhere);
      for (const { consequence, remedy } of Object.values(problems)) {
        expect(consequence).toMatch(/\.$/);
        expect(remedy).toMatch(/\.$/);
        // Whatever is named first is a check, too.
        for (const [, name] of remedy.matchAll(/Mend `([a-z-]+)`/g)) {
          expect(CHECKS.map((check) => check.name)).toContain(name);
        }
      }
    },
  );
});
