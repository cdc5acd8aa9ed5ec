import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/client/client-error.ts';
import { specMessage } from '../../src/client/process-spec.ts';

describe('the spec of a process', () => {
  it('has no variables that are undefined', () => {
    const env = { A: undefined, B: 'b' };
    const message = specMessage({ argv: ['env'], env, envPolicy: { set: env } }, 0);
    expect(message.env).toEqual({ B: 'b' });
    expect(message.envPolicy?.set).toEqual({ B: 'b' });
  });

  it.each([
    ['argv[1]', { argv: ['echo', undefined as unknown as string] }],
    ['argv[1]', { argv: ['echo', 'a\ud800b'] }],
    ['arg0', { argv: ['echo'], arg0: '\udc00' }],
    ['cwd', { argv: ['echo'], cwd: '/\ud800' }],
    ['env.A', { argv: ['echo'], env: { A: '\ud800' } }],
    ['env.A', { argv: ['echo'], env: { A: 1 as unknown as string } }],
  ])('is refused, with the name of %s, where a text would become another', (name, spec) => {
    expect(() => specMessage(spec, 0)).toThrow(OptionError);
    expect(() => specMessage(spec, 0)).toThrow(name);
  });
});
