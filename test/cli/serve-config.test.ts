import { describe, expect, it } from 'vitest';
import { type ConfigKey, configKeys } from '../../src/cli/serve-config-keys.ts';
import { configOf, idleServe, type Told } from '../support/serve-config.ts';
import { ONE_VALUE, SEVERAL_VALUES, SWITCHES, threeOf } from './serve-config-examples.ts';

const KEYS = configKeys(idleServe());

function keyOf(name: string): ConfigKey {
  const key = KEYS.find((each) => each.name === name);
  if (key === undefined) throw new Error(`there is no key ${name}`);
  return key;
}

/** What is in force for a key, from where, and how it is written there. */
async function inForce(name: string, told: Told): Promise<readonly unknown[]> {
  const { config, problems } = await configOf(told);
  expect(problems).toEqual([]);
  const setting = config.settings.find(({ key }) => key.name === name);
  const value = Object.entries(config.flags).find(([key]) => key === keyOf(name).attribute)?.[1];
  return [value, setting?.origin.kind, setting?.texts];
}

describe('the keys of a configuration', () => {
  it('are all in the tables of examples: whoever adds a flag adds it there', () => {
    const tested = [...Object.keys(ONE_VALUE), ...Object.keys(SEVERAL_VALUES), ...SWITCHES];
    expect([...tested].sort()).toEqual(KEYS.map(({ name }) => name).sort());
  });

  it('take several values where their flags can be given again', () => {
    const again = KEYS.filter(({ option }) => option.description.includes('may be given again'));
    const several = KEYS.filter(({ list }) => list?.between !== undefined);
    expect(several.map(({ name }) => name)).toEqual(again.map(({ name }) => name));
  });

  it('are variables by their names', () => {
    expect(keyOf('max-sessions').variable).toBe('RUNLET_SERVE_MAX_SESSIONS');
    expect(new Set(KEYS.map(({ variable }) => variable)).size).toBe(KEYS.length);
  });
});

describe.each(Object.entries(ONE_VALUE))('the key %s', (name, meanings) => {
  const [flag, flagMeans, variable, variableMeans, file, fileMeans] = threeOf(meanings);
  const words = [`--${name}`, flag];
  const variables = { [keyOf(name).variable]: variable };
  const inFile = JSON.stringify({ [name]: file });

  it('is said by a flag, by a variable and in a file', async () => {
    expect(await inForce(name, { words })).toEqual([flagMeans, 'flag', [flag]]);
    expect(await inForce(name, { variables })).toEqual([variableMeans, 'variable', [variable]]);
    for (const told of [inFile, `${name}: ${file}\n`]) {
      expect(await inForce(name, { file: told })).toEqual([fileMeans, 'file', [file]]);
    }
  });

  it('counts from the flag before the variable, and from that before the file', async () => {
    const both = await inForce(name, { variables, file: inFile });
    expect(both).toEqual([variableMeans, 'variable', [variable]]);
    for (const told of [{ variables }, { file: inFile }, { variables, file: inFile }]) {
      expect(await inForce(name, { words, ...told })).toEqual([flagMeans, 'flag', [flag]]);
    }
    expect((await inForce(name, {})).slice(1)).toEqual(['default', []]);
  });
});

describe.each(Object.entries(SEVERAL_VALUES))('the key %s, which takes several', (name, means) => {
  const key = keyOf(name);
  const [a, aMeans, b, bMeans, c, cMeans] = threeOf(means);
  const isJoined = key.list?.between === undefined;
  const words = isJoined ? [`--${name}`, `${a},${c}`] : [`--${name}`, a, `--${name}`, c];
  const variables = { [key.variable]: `${b}${isJoined ? ',' : '\n'}${a}` };
  const file = JSON.stringify({ [name]: [c, b] });

  it('is said by a flag, by a variable and in a file', async () => {
    expect(await inForce(name, { words })).toEqual([[aMeans, cMeans], 'flag', [a, c]]);
    expect(await inForce(name, { variables })).toEqual([[bMeans, aMeans], 'variable', [b, a]]);
    expect(await inForce(name, { file })).toEqual([[cMeans, bMeans], 'file', [c, b]]);
    // One that is no list stands for a list of it.
    const single = JSON.stringify({ [name]: c });
    expect(await inForce(name, { file: single })).toEqual([[cMeans], 'file', [c]]);
  });

  it('takes the place of all that others say, and adds nothing to it', async () => {
    expect((await inForce(name, { variables, file }))[0]).toEqual([bMeans, aMeans]);
    for (const told of [{ variables }, { file }, { variables, file }]) {
      expect((await inForce(name, { words, ...told }))[0]).toEqual([aMeans, cMeans]);
    }
  });

  it('has commas between values in a variable only where no value has one', async () => {
    const { config } = await configOf({ variables: { [key.variable]: `${b},${a}` } });
    const texts = config.settings.flatMap((each) => (each.key.name === name ? each.texts : []));
    // What is not taken apart is one value, or none that makes sense.
    const whole = texts.length === 0 ? [] : [`${b},${a}`];
    expect(texts).toEqual(key.list?.between === 'lines' ? whole : [b, a]);
  });
});

describe.each(SWITCHES)('the key %s, which is true or false', (name) => {
  const { option, variable } = keyOf(name);
  const on = !option.negate;
  const words = [`--${name}`];

  it('is said by a flag, by a variable and in a file', async () => {
    expect(await inForce(name, { words })).toEqual([on, 'flag', ['true']]);
    const means = { true: on, 1: on, false: !on, 0: !on };
    for (const [said, value] of Object.entries(means)) {
      const told = { variables: { [variable]: said } };
      expect((await inForce(name, told)).slice(0, 2)).toEqual([value, 'variable']);
    }
    expect(await inForce(name, { file: `${name}: true` })).toEqual([on, 'file', ['true']]);
    expect(await inForce(name, { file: `${name}: false` })).toEqual([!on, 'file', ['false']]);
  });

  it('counts from the flag before the variable, and from that before the file', async () => {
    const variables = { [variable]: 'false' };
    const file = `${name}: true`;
    expect((await inForce(name, { variables, file }))[0]).toBe(!on);
    expect((await inForce(name, { words, variables, file }))[0]).toBe(on);
    expect((await inForce(name, { words, file: `${name}: false` }))[0]).toBe(on);
  });
});

describe('a configuration', () => {
  it('tells the line of each key of its file', async () => {
    const { config } = await configOf({ file: '# first\n\ngrace: 5\nlisten:\n  - unix:/a\n' });
    const found = config.settings.filter(({ origin }) => origin.kind === 'file');
    expect(found.map(({ key, origin }) => [key.name, origin])).toEqual([
      ['listen', { kind: 'file', file: config.file, line: 4, column: 1 }],
      ['grace', { kind: 'file', file: config.file, line: 3, column: 1 }],
    ]);
  });

  it('takes numbers as they are written', async () => {
    const file = 'socket-mode: 0660\nmax-sessions: 010\ngrace: .5\n';
    const { config } = await configOf({ file });
    expect(config.flags).toMatchObject({ socketMode: 0o660, maxSessions: 10, grace: 0.5 });
  });

  it('is in a file that a variable names, unless the flag names another', async () => {
    const { file } = (await configOf({ file: 'grace: 1' })).config;
    const variables = { RUNLET_SERVE_CONFIG: file ?? '' };
    const byVariable = await configOf({ variables });
    expect(byVariable.config).toMatchObject({ file, flags: { grace: 1 } });
    const byFlag = await configOf({ variables, file: 'heartbeat: 2' });
    expect(byFlag.config.flags).toMatchObject({ grace: 5, heartbeat: 2 });
  });

  it('passes over variables that are empty, and those of other commands', async () => {
    const empty = { RUNLET_SERVE_GRACE: '', RUNLET_SERVE_CONFIG: '' };
    const { config, problems } = await configOf({ variables: { ...empty, RUNLET_TOKEN: 'x' } });
    expect([config.file, config.flags.grace, problems]).toEqual([undefined, 5, []]);
  });
});

const NO_SUCH = 'there is no such variable';

/** Variables that make no sense, and what is said of them after their names. */
const WRONG_VARIABLES: readonly (readonly [string, string, string])[] = [
  ['MAX_SESSION', '5', `: ${NO_SUCH} (did you mean RUNLET_SERVE_MAX_SESSIONS?)`],
  ['CONFG', '5', `: ${NO_SUCH} (did you mean RUNLET_SERVE_CONFIG?)`],
  ['WHATEVER_ELSE', '5', `: ${NO_SUCH}; after RUNLET_SERVE_ comes the name of a flag`],
  ['DAEMON', '1', ': this can be said on the command line alone: it says what the command does'],
  ['MAX_SESSIONS', '5x', ' 5x: it is not a whole number'],
  ['LOG_LEVEL', 'loud', ' loud: it is none of debug, info, warn, error, silent'],
  ['REQUIRE_SANDBOX', 'yes', ' yes: it is neither true nor false'],
  ['EGRESS_ALLOW', 'a.example,b..c', ' b..c: it is no name, no address and no range'],
  ['AUTH', 'token,nobody', ' nobody: it takes none, token, jwt, mtls, peer'],
  ['LISTEN', '\n', " '': it has no value"],
  ['POLICY', 'a\udc80', " 'a\ufffd': it is not UTF-8"],
];

describe('a variable that makes no sense', () => {
  it.each(WRONG_VARIABLES)('is refused: RUNLET_SERVE_%s=%j', async (name, text, said) => {
    const variable = `RUNLET_SERVE_${name}`;
    const { problems } = await configOf({ variables: { [variable]: text } });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ variable });
    expect(problems[0]?.message).toContain(`${variable}${said}`);
  });
});
