import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildEnvironment, type EnvPolicy } from '../../src/environment/env-policy.ts';

interface PolicyParts {
  readonly inherit?: EnvPolicy['inherit'];
  readonly ignoreDefaultExcludes?: boolean;
  readonly exclude?: readonly string[];
  readonly set?: Readonly<Record<string, string>>;
  readonly includeOnly?: readonly string[];
}

function policy({ set = {}, ...parts }: PolicyParts = {}): EnvPolicy {
  return {
    inherit: 'all',
    ignoreDefaultExcludes: false,
    exclude: [],
    includeOnly: [],
    ...parts,
    set: new Map(Object.entries(set)),
  };
}

async function build(
  base: Readonly<Record<string, string>>,
  envPolicy: EnvPolicy | undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  const result = await buildEnvironment(
    new Map(Object.entries(base)),
    envPolicy,
    new Map(Object.entries(env)),
  );
  return Object.fromEntries(result);
}

describe('without a policy', () => {
  it('the environment is exactly env', async () => {
    expect(await build({ PATH: '/bin', HOME: '/root' }, undefined, { A: '1' })).toEqual({ A: '1' });
  });

  it('the environment is empty if env is', async () => {
    expect(await build({ PATH: '/bin' }, undefined)).toEqual({});
  });

  it('env is not filtered, whatever its names', async () => {
    const env = { API_KEY: 'k', RUNLET_TOKEN: 't' };
    expect(await build({}, undefined, env)).toEqual(env);
  });
});

describe('inherit', () => {
  it('all takes every variable of the base', async () => {
    const base = { PATH: '/bin', Custom: 'x', empty: '' };
    expect(await build(base, policy({ inherit: 'all' }))).toEqual(base);
  });

  it('none takes no variable of the base', async () => {
    expect(await build({ PATH: '/bin', HOME: '/root' }, policy({ inherit: 'none' }))).toEqual({});
  });

  it('core takes each of the core variables', async () => {
    const core = {
      PATH: '1',
      SHELL: '2',
      TMPDIR: '3',
      TEMP: '4',
      TMP: '5',
      HOME: '6',
      LANG: '7',
      LC_ALL: '8',
      LC_CTYPE: '9',
      LOGNAME: '10',
      USER: '11',
    };
    expect(await build(core, policy({ inherit: 'core' }))).toEqual(core);
  });

  it('core drops every other name, those that resemble a core one included', async () => {
    const base = { MANPATH: '1', PATHEXT: '2', LC_TIME: '3', USERNAME: '4', PWD: '5', '': '6' };
    expect(await build(base, policy({ inherit: 'core' }))).toEqual({});
  });

  it('core keeps lower- and mixed-case names with their spelling', async () => {
    const base = { path: '1', Home: '2', tmpDir: '3', other: '4' };
    expect(await build(base, policy({ inherit: 'core' }))).toEqual({
      path: '1',
      Home: '2',
      tmpDir: '3',
    });
  });
});

describe('the default excludes', () => {
  const secrets = {
    API_KEY: '1',
    SECRET_TOKEN: '2',
    aws_secret_access: '3',
    GithubToken: '4',
    MONKEYS: '5',
  };

  it('drop names with KEY, SECRET or TOKEN anywhere in them, in any case', async () => {
    expect(await build({ ...secrets, PATH: '/bin' }, policy())).toEqual({ PATH: '/bin' });
  });

  it('drop nothing if they are ignored', async () => {
    expect(await build(secrets, policy({ ignoreDefaultExcludes: true }))).toEqual(secrets);
  });

  it('do not touch what set and env bring', async () => {
    const result = await build(secrets, policy({ set: { API_KEY: 'set' } }), {
      SECRET_TOKEN: 'env',
    });
    expect(result).toEqual({ API_KEY: 'set', SECRET_TOKEN: 'env' });
  });
});

describe('exclude', () => {
  const base = { PATH: '/bin', MyVar: '1', MYVAR2: '2', MYVAR10: '3' };

  it('drops names that match, without regard to case', async () => {
    expect(await build(base, policy({ exclude: ['myvar'] }))).toEqual({
      PATH: '/bin',
      MYVAR2: '2',
      MYVAR10: '3',
    });
  });

  it('takes ? for exactly one character', async () => {
    expect(await build(base, policy({ exclude: ['MYVAR?'] }))).toEqual({
      PATH: '/bin',
      MyVar: '1',
      MYVAR10: '3',
    });
  });

  it('drops what any of its patterns matches', async () => {
    expect(await build(base, policy({ exclude: ['P*', '*2', '*10'] }))).toEqual({ MyVar: '1' });
  });

  it('works beside ignored default excludes', async () => {
    const envPolicy = policy({ ignoreDefaultExcludes: true, exclude: ['*TOKEN'] });
    expect(await build({ API_KEY: '1', API_TOKEN: '2' }, envPolicy)).toEqual({ API_KEY: '1' });
  });

  it('does not touch what set and env bring', async () => {
    const envPolicy = policy({ exclude: ['*'], set: { A: 'set' } });
    expect(await build(base, envPolicy, { B: 'env' })).toEqual({ A: 'set', B: 'env' });
  });
});

describe('set', () => {
  it('wins over the base', async () => {
    expect(await build({ HOME: '/root' }, policy({ set: { HOME: '/tmp' } }))).toEqual({
      HOME: '/tmp',
    });
  });

  it('brings back what was excluded', async () => {
    const envPolicy = policy({ exclude: ['HOME'], set: { HOME: '/tmp' } });
    expect(await build({ HOME: '/root' }, envPolicy)).toEqual({ HOME: '/tmp' });
  });

  it('is filtered by include_only', async () => {
    const envPolicy = policy({
      inherit: 'none',
      set: { PATH: '/bin', HOME: '/' },
      includeOnly: ['PATH'],
    });
    expect(await build({}, envPolicy)).toEqual({ PATH: '/bin' });
  });

  it('does not bring in the variable of another case', async () => {
    expect(await build({ path: '1' }, policy({ set: { PATH: '2' } }))).toEqual({
      path: '1',
      PATH: '2',
    });
  });
});

describe('include_only', () => {
  const base = { PATH: '1', MANPATH: '2', PathExtra: '3', HOME: '4' };

  it('*PATH keeps only those that end with it', async () => {
    expect(await build(base, policy({ includeOnly: ['*PATH'] }))).toEqual({
      PATH: '1',
      MANPATH: '2',
    });
  });

  it('matches without regard to case', async () => {
    expect(await build(base, policy({ includeOnly: ['pathextra', 'home'] }))).toEqual({
      PathExtra: '3',
      HOME: '4',
    });
  });

  it('brings nothing back that was dropped before', async () => {
    const envPolicy = policy({ exclude: ['PATH'], includeOnly: ['*PATH', 'API_KEY'] });
    expect(await build({ ...base, API_KEY: 'k' }, envPolicy)).toEqual({ MANPATH: '2' });
  });

  it('keeps everything if it is empty', async () => {
    expect(await build(base, policy({ includeOnly: [] }))).toEqual(base);
  });

  it('drops everything if nothing matches', async () => {
    expect(await build(base, policy({ includeOnly: ['NONE'] }))).toEqual({});
  });
});

describe('env', () => {
  it('wins over the base and over set', async () => {
    const envPolicy = policy({ set: { A: 'set', B: 'set' } });
    expect(await build({ A: 'base', C: 'base' }, envPolicy, { B: 'env', C: 'env' })).toEqual({
      A: 'set',
      B: 'env',
      C: 'env',
    });
  });

  it('wins over set where nothing is inherited', async () => {
    const envPolicy = policy({ inherit: 'none', set: { A: 'set', B: 'set' } });
    expect(await build({ C: 'base' }, envPolicy, { B: 'env' })).toEqual({ A: 'set', B: 'env' });
  });

  it('is not filtered by include_only', async () => {
    expect(await build({}, policy({ includeOnly: ['PATH'] }), { HOME: '/' })).toEqual({
      HOME: '/',
    });
  });
});

describe("the server's own settings", () => {
  const own = { RUNLET_ADDRESS: '1', runlet_auth: '2', RUNLET_: '3' };

  it('are never inherited, whatever the policy', async () => {
    const policies = fc.record({
      inherit: fc.constantFrom('all', 'core', 'none'),
      ignoreDefaultExcludes: fc.boolean(),
      exclude: fc.array(fc.constantFrom('*', '?*', 'A*')),
      includeOnly: fc.array(fc.constantFrom('*', 'RUNLET_*', 'runlet_auth')),
    });
    await fc.assert(
      fc.asyncProperty(policies, async (parts) => {
        expect(await build(own, policy(parts))).toEqual({});
      }),
    );
  });

  it('leave names alone that only resemble them', async () => {
    const base = { RUNLET: '1', MY_RUNLET_X: '2', RUNLETS: '3' };
    expect(await build(base, policy())).toEqual(base);
  });

  it('can be given by a client, since what it gives is its own', async () => {
    const result = await build(own, policy({ set: { RUNLET_A: 'set' } }), { RUNLET_B: 'env' });
    expect(result).toEqual({ RUNLET_A: 'set', RUNLET_B: 'env' });
  });
});

describe("the server's own working directory", () => {
  const base = new Map([
    ['PWD', '/srv'],
    ['OLDPWD', '/root'],
    ['A', '1'],
  ]);

  it('is not inherited, but that of the process is told', async () => {
    const result = await buildEnvironment(base, policy(), new Map(), '/tmp');
    expect(Object.fromEntries(result)).toEqual({ PWD: '/tmp', A: '1' });
  });

  it('is not told where PWD is not inherited, nor against who asks for another', async () => {
    const none = await buildEnvironment(base, undefined, new Map(), '/tmp');
    expect(none.has('PWD')).toBe(false);
    const set = await buildEnvironment(base, policy({ set: { PWD: '/a' } }), new Map(), '/tmp');
    expect(set.get('PWD')).toBe('/a');
    const env = await buildEnvironment(base, policy(), new Map([['PWD', '/b']]), '/tmp');
    expect(env.get('PWD')).toBe('/b');
  });
});

describe('building', () => {
  it('changes neither the base nor env', async () => {
    const base = new Map([['PATH', '/bin']]);
    const env = new Map([['A', '1']]);
    await buildEnvironment(base, policy({ exclude: ['PATH'], set: { B: '2' } }), env);
    expect([...base]).toEqual([['PATH', '/bin']]);
    expect([...env]).toEqual([['A', '1']]);
  });

  it('takes any name for a name', async () => {
    const base = new Map([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]);
    const result = await buildEnvironment(base, policy(), new Map([['toString', '3']]));
    expect([...result]).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
      ['toString', '3'],
    ]);
  });
});
