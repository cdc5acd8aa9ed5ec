import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { crossFlagProblems } from '../../src/cli/serve-checks.ts';
import type { ServeConfig } from '../../src/cli/serve-config.ts';
import { configKeys } from '../../src/cli/serve-config-keys.ts';
import { adjustableOf, LIVE_KEYS, LiveConfig } from '../../src/cli/serve-live.ts';
import type { Adjustable } from '../../src/server/server.ts';
import { configOf, idleServe } from '../support/serve-config.ts';
import { ONE_VALUE, SEVERAL_VALUES, SWITCHES } from './serve-config-examples.ts';

const KEYS = configKeys(idleServe());

/** A configuration in which each key can be changed alone. */
const BASE = {
  listen: '127.0.0.1:1',
  auth: ['token', 'jwt', 'mtls'],
  'token-file': '/tokens',
  jwks: '/jwks',
  'jwt-issuer': 'issuer',
  'jwt-audience': 'audience',
  'tls-cert': '/cert',
  'tls-key': '/key',
  'client-ca': '/ca',
  'client-name': 'name.example',
  audit: '/audit',
  metrics: '0.0.0.0:1',
  'metrics-token-file': '/scrape',
  'drain-timeout': 1,
  'min-detached-ttl': 1,
};

async function configIn(file: object): Promise<ServeConfig> {
  const { config, problems } = await configOf({ file: JSON.stringify(file) });
  expect(problems).toEqual([]);
  // Each is in another file.
  return { ...config, flags: { ...config.flags, config: 'serve.yaml' } };
}

/** What is told of a configuration. */
interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly keys: readonly string[];
}

/** A configuration of a server that runs, and what came of it. */
async function running(first: object) {
  const told: (readonly [level: string, text: string, keys: readonly string[]])[] = [];
  const adjusted: Partial<Adjustable>[] = [];
  const write = (line: string): void => {
    const { keys, level, msg }: LogLine = JSON.parse(line);
    told.push([level, msg, keys]);
  };
  const log = pino({ base: null, formatters: { level: (level) => ({ level }) } }, { write });
  let next: () => Promise<ServeConfig>;
  const live = new LiveConfig(await configIn(first), () => next(), log);
  live.serves({ adjust: (options) => void adjusted.push(options) });
  const reload = (file: object): Promise<void> => {
    next = () => configIn(file);
    return live.reload();
  };
  return { adjusted, live, log, reload, told };
}

/** A configuration that differs from {@link BASE} in one key, and fits together. */
async function otherIn(name: string): Promise<object> {
  const examples = SWITCHES.includes(name)
    ? [true]
    : Object.keys({ ...ONE_VALUE, ...SEVERAL_VALUES }[name] ?? {}).flatMap((text) => [
        text,
        [text, 'peer'],
      ]);
  for (const value of examples) {
    const file = { ...BASE, [name]: value };
    const { config, problems } = await configOf({ file: JSON.stringify(file) });
    if (problems.length === 0 && crossFlagProblems(config.flags).length === 0) return file;
  }
  throw new Error(`${name} cannot be changed alone`);
}

/** Without the patterns of names, which are functions. */
const shown = (flags: ServeConfig['flags']): string =>
  JSON.stringify(Object.entries(flags).sort(([a], [b]) => (a < b ? -1 : 1)));

const IN_FORCE = 'the configuration is in force';
const LATER = 'what has changed of these keys holds from the next start';

describe('a configuration that is read again', () => {
  it.each(KEYS.map(({ name }) => name))('has %s take effect, or named', async (name) => {
    const { adjusted, live, reload, told } = await running(BASE);
    const before = live.flags;
    const file = await otherIn(name);
    const { flags } = await configIn(file);
    await reload(file);
    if (LIVE_KEYS.has(name)) {
      expect(told).toEqual([['info', IN_FORCE, [name]]]);
      expect(shown(live.flags)).toBe(shown(flags));
    } else {
      expect(told).toEqual([
        ['info', IN_FORCE, []],
        ['warn', LATER, [name]],
      ]);
      expect(live.flags).toEqual(before);
    }
    expect(adjusted).toEqual([adjustableOf(live.flags)]);
    // It is named again as long as it is not in force.
    told.length = 0;
    await reload(file);
    expect(told.map(([level]) => level)).toEqual(LIVE_KEYS.has(name) ? ['info'] : ['info', 'warn']);
    expect(told[0]).toEqual(['info', IN_FORCE, []]);
    // And no more once it is what it was.
    told.length = 0;
    await reload(BASE);
    expect(told).toEqual([['info', IN_FORCE, LIVE_KEYS.has(name) ? [name] : []]]);
    expect(live.flags).toEqual(before);
  });

  it('changes what its keys are about, and nothing else', async () => {
    const { adjusted, log, reload } = await running(BASE);
    await reload({ ...BASE, 'log-level': 'debug', 'max-sessions': 7, grace: '1m' });
    expect(log.level).toBe('debug');
    expect(adjusted).toMatchObject([{ limits: { maxSessions: 7 }, shutdownGraceMs: 60_000 }]);
    await reload(BASE);
    expect(log.level).toBe('info');
    expect(adjusted[1]).toMatchObject({ limits: { maxSessions: 20_000 }, shutdownGraceMs: 5000 });
  });

  it('takes the same written otherwise for the same', async () => {
    const { reload, told } = await running({ ...BASE, heartbeat: '1m', grace: 5 });
    await reload({ ...BASE, heartbeat: 60, grace: '5s' });
    expect(told).toEqual([['info', IN_FORCE, []]]);
  });

  it('has nothing take effect where flags do not fit together', async () => {
    const { adjusted, live, log, reload, told } = await running(BASE);
    const wrong = { ...BASE, 'max-sessions': 5, 'high-water': 'sessions=6', 'log-level': 'debug' };
    await expect(reload(wrong)).rejects.toThrow('sessions of --high-water must not be more than');
    // That which is not in force yet counts, too.
    const later = { ...BASE, 'drain-timeout': 0, drain: 'wait' };
    await expect(reload(later)).rejects.toThrow('--drain wait needs --drain-timeout');
    expect([adjusted, told, log.level]).toEqual([[], [], 'info']);
    expect(shown(live.flags)).toBe(shown((await configIn(BASE)).flags));
  });

  it('is not taken before there is a server', async () => {
    const adjusted: object[] = [];
    const log = pino({}, { write: () => {} });
    const live = new LiveConfig(await configIn(BASE), () => configIn(BASE), log);
    const reloaded = live.reload();
    await Promise.resolve();
    expect(adjusted).toEqual([]);
    live.serves({ adjust: (options) => void adjusted.push(options) });
    await reloaded;
    expect(adjusted).toHaveLength(1);
  });
});
