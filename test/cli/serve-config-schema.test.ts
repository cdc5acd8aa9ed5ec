import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { assertValue, configKeys } from '../../src/cli/serve-config-keys.ts';
import { configSchema } from '../../src/cli/serve-config-schema.ts';
import { idleServe } from '../support/serve-config.ts';
import { ONE_VALUE, SEVERAL_VALUES, SWITCHES } from './serve-config-examples.ts';

const schema = configSchema();
const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
const takes = ajv.compile(schema);

/** What is wrong with a configuration for the schema; null: nothing. */
function wrong(config: unknown): unknown {
  takes(config);
  return takes.errors ?? null;
}

describe('the schema of the configuration', () => {
  it('tells of each key what its flag is for, what it may be, and what it is otherwise', () => {
    expect(schema).toMatchObject({
      properties: {
        'log-level': {
          description: 'the least severe lines to log (variable: RUNLET_SERVE_LOG_LEVEL)',
          enum: ['debug', 'info', 'warn', 'error', 'silent'],
          default: 'info',
        },
        'detached-ttl': { default: '5m' },
        'max-sessions': { default: 20_000 },
        'require-sandbox': { type: 'boolean', default: false },
      },
    });
  });

  it.each(Object.entries({ ...ONE_VALUE, ...SEVERAL_VALUES }))(
    'takes what a server takes for %s, however it is written',
    (name, meanings) => {
      for (const text of Object.keys(meanings)) {
        expect(wrong({ [name]: text })).toBeNull();
        // What begins with another character may need quotes.
        if (/^[\w.]/.test(text)) expect(wrong(parse(`${name}: ${text}`))).toBeNull();
        if (Object.hasOwn(SEVERAL_VALUES, name)) expect(wrong({ [name]: [text] })).toBeNull();
      }
    },
  );

  it.each(SWITCHES)('takes true and false for %s', (name) => {
    expect([wrong({ [name]: true }), wrong({ [name]: false })]).toEqual([null, null]);
    expect(wrong({ [name]: 'true' })).not.toBeNull();
  });

  it('takes every number, span and size that a server takes', () => {
    const text = fc.string({
      unit: fc.constantFrom(...'0123456789.+exXabmshdkKiIBG '.split('')),
      minLength: 1,
      maxLength: 6,
    });
    const names = ['max-sessions', 'max-principal-starts', 'grace', 'heartbeat', 'output-disk'];
    const keys = configKeys(idleServe()).filter(({ name }) => names.includes(name));
    fc.assert(
      fc.property(fc.constantFrom(...keys), text, (key, value) => {
        try {
          assertValue(key, value);
        } catch {
          return;
        }
        expect(wrong({ [key.name]: value })).toBeNull();
      }),
      { numRuns: 5_000 },
    );
  });
});
