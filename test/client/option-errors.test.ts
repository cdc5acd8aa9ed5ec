import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/client/client-error.ts';
import {
  connect,
  OptionError,
  type ProcessSpec,
  RunletClientError,
} from '../../src/client/index.ts';
import { connectTo, errorOf } from '../support/client.ts';
import { serveHere } from '../support/harness.ts';

/** What types do not allow, as a program in JavaScript may give it. */
function wrong<T>(value: unknown): T {
  return value as T;
}

describe('an option that nobody knows, or of a wrong type', () => {
  it('is refused by its name, before anything is sent', async () => {
    const { address } = await serveHere();
    const client = connectTo(address);
    const session = await client.session();
    const argv = ['true'];
    const calls: readonly [string, () => Promise<unknown>][] = [
      ['timeout', () => client.run(argv, wrong({ timeout: 1000 }))],
      ['cwd', () => client.run(argv, wrong({ cwd: 1 }))],
      ['input', () => client.run(argv, wrong({ input: 7 }))],
      ['encoding', () => client.run(argv, wrong({ encoding: 'utf9' }))],
      ['onStdout', () => client.run(argv, wrong({ onStdout: true }))],
      ['stdin', () => client.run(argv, wrong({ stdin: 'pipe' }))],
      ['envPolicy.inherit', () => client.run(argv, wrong({ envPolicy: { inherit: 'most' } }))],
      ['envPolicy.inherits', () => client.run(argv, wrong({ envPolicy: { inherits: 'all' } }))],
      ['overflow', () => session.start(wrong<ProcessSpec>({ argv, overflow: 'drop' }))],
      ['args', () => session.start(wrong<ProcessSpec>({ argv, args: [] }))],
      ['argv', () => session.start(wrong<ProcessSpec>({ argv: 'true' }))],
      ['argv', () => session.start(wrong<ProcessSpec>({}))],
      ['limits.files', () => session.start(wrong<ProcessSpec>({ argv, limits: { files: 1 } }))],
      ['terminal.cols', () => session.start(wrong<ProcessSpec>({ argv, terminal: { cols: 1 } }))],
      ['env', () => session.start(wrong<ProcessSpec>({ argv, env: ['A=b'] }))],
      ['name', () => session.start({ argv }, wrong({ name: 'x' }))],
      ['ifAttached', () => client.session(wrong({ ifAttached: 'share!' }))],
      ['ttl', () => client.session(wrong({ ttl: 1 }))],
    ];
    for (const [option, call] of calls) {
      const error = await errorOf(call());
      expect(error).toBeInstanceOf(OptionError);
      expect(error).toMatchObject({ code: 'OPTION_INVALID', option });
      expect(error.message).toContain(option);
    }
    expect(await session.processes()).toEqual([]);
  });

  it('is refused where a client is made', () => {
    for (const options of [{ timeout: 1 }, { windowMs: '1' }, { defaults: { argv: [] } }]) {
      expect(() => connect('unix:/x', wrong(options))).toThrow(OptionError);
    }
    expect(() => connect('nowhere')).toThrow(RunletClientError);
  });
});

describe('the codes of errors', () => {
  it('are all in the table of the documentation, and no others', () => {
    const page = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` +\|/gm)].map(([, code]) => code);
    expect(rows).toEqual(Object.keys(ERROR_CODES));
  });
});
