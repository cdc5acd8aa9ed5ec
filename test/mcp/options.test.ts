import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/client/index.ts';
import { buildEnvironment } from '../../src/environment/env-policy.ts';
import { type McpServerOptions, transportSettings } from '../../src/mcp/options.ts';

const settings = (options: Partial<McpServerOptions>) =>
  transportSettings({ argv: ['server'], address: '127.0.0.1:1', ...options });

describe('the environment of an MCP server', () => {
  const ambient = new Map([
    ['PATH', '/bin'],
    ['Home', '/home/me'],
    ['API_KEY', 'k'],
    ['OTHER_KEY', 'o'],
    ['EDITOR', 'ed'],
  ]);

  /** What a server with the environment above makes of the policy for these options. */
  async function environmentFor(options: Partial<McpServerOptions>): Promise<unknown> {
    const {
      inherit = 'all',
      ignoreDefaultExcludes = false,
      exclude = [],
      includeOnly = [],
    } = settings(options).spec.envPolicy ?? {};
    const policy = { inherit, ignoreDefaultExcludes, exclude, includeOnly, set: new Map() };
    return Object.fromEntries(await buildEnvironment(ambient, policy, new Map()));
  }

  it('is the core variables by default', async () => {
    expect(await environmentFor({})).toEqual({ PATH: '/bin', Home: '/home/me' });
  });

  it('has the named ones too, though they look like secrets, and no others', async () => {
    expect(await environmentFor({ inherit: ['API_KEY', 'MISSING'] })).toEqual({
      PATH: '/bin',
      Home: '/home/me',
      API_KEY: 'k',
    });
  });

  it('takes no pattern among the names', () => {
    expect(() => settings({ inherit: ['*_KEY'] })).toThrow(OptionError);
  });

  it('can be any policy instead, but not both', () => {
    const envPolicy = { inherit: 'none' } as const;
    expect(settings({ envPolicy }).spec.envPolicy).toEqual(envPolicy);
    expect(() => settings({ envPolicy, inherit: ['A'] })).toThrow(OptionError);
  });
});

describe('the options of a transport', () => {
  /** The name of what is wrong. */
  function wrongIn(options: object): unknown {
    try {
      transportSettings({ argv: ['server'], address: '127.0.0.1:1', ...options });
    } catch (error) {
      if (error instanceof OptionError) return [error.code, error.option];
      throw error;
    }
    return undefined;
  }

  it.each([
    ['maxLineBytes', { maxLineBytes: 0 }],
    ['maxLineBytes', { maxLineBytes: 1.5 }],
    ['maxLineBytes', { maxLineBytes: 2 ** 29 }],
    ['graceMs', { graceMs: -1 }],
    ['command', { command: 'server' }],
    ['inherit', { inherit: 'PATH' }],
    ['onStderr', { onStderr: 'inherit' }],
    ['labels', { labels: { of: 1 } }],
    ['address', { address: undefined }],
    ['address', { session: {} }],
    ['detachedTtlMs', { session: {}, address: undefined, detachedTtlMs: 1 }],
  ])('are refused by name: %s', (option, options) => {
    expect(wrongIn(options)).toEqual(['OPTION_INVALID', option]);
  });

  it('have defaults', () => {
    expect(wrongIn({})).toBeUndefined();
    expect(settings({}).maxLineBytes).toBe(64 * 1024 * 1024);
  });
});
