import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/client/client-error.ts';
import { connect, OptionError, type ProcessSpec, serve } from '../../src/client/index.ts';
import { connectTo, errorOf } from '../support/client.ts';
import { serveHere } from '../support/harness.ts';

/** What types do not allow, as a program in JavaScript may give it. */
function wrong<T>(value: unknown): T {
  return value as T;
}

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('an option that nobody knows, or of a wrong type', () => {
  it('is refused by its name, before anything is sent', async () => {
    const { address } = await serveHere();
    const client = connectTo(address);
    const session = await client.session();
    const argv = ['true'];
    const running = await session.start({ argv: ['/bin/sleep', '1000'] });
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
      ['id', () => client.session({ id: '' })],
      ['labels', () => client.session(wrong({ labels: { of: 1 } }))],
      ['run', () => client.run(argv, wrong(null))],
      ['run', () => client.run(argv, wrong(5))],
      ['maxOutputBytes', () => client.run(argv, { maxOutputBytes: Number.NaN })],
      ['labels', () => client.run(argv, { labels: { '\ud800': '' } })],
      ['signal', () => client.run(argv, wrong({ signal: 5 }))],
      ['id', () => session.start({ argv }, { id: 'x'.repeat(129) })],
      ['id', () => session.process(wrong(1))],
      ['signal', () => running.kill(wrong(9))],
      ['kill', () => running.kill('SIGCONT', wrong(null))],
      ['scop', () => running.kill('SIGCONT', wrong({ scop: 'tree' }))],
      ['scope', () => running.kill('SIGCONT', wrong({ scope: 'all' }))],
      ['grace', () => running.terminate(wrong({ grace: 1 }))],
      ['resize', () => running.resize(wrong(undefined))],
      ['cols', () => running.resize(wrong({ cols: 80 }))],
      ['events', () => running.events(wrong(7)).next()],
      ['signal', () => running.events(wrong({ signal: 5 })).next()],
      ['listens', () => serve(wrong({ listens: '' }))],
    ];
    for (const [option, call] of calls) {
      const error = await errorOf(call());
      expect(error).toBeInstanceOf(OptionError);
      expect(error).toMatchObject({ code: 'OPTION_INVALID', option });
      expect(error.message).toContain(option);
    }
    // No other was started, and this one goes on.
    expect(await session.processes()).toMatchObject([{ id: running.id, state: 'running' }]);
  });

  it.each<readonly [string, object]>([
    ['timeout', { timeout: 1 }],
    ['windowMs', { windowMs: '1' }],
    ['windowMs', { windowMs: Number.NaN }],
    ['connectTimeoutMs', { connectTimeoutMs: -1 }],
    ['initialBackoffMs', { initialBackoffMs: 0 }],
    ['attemptTimeoutMs', { attemptTimeoutMs: Number.POSITIVE_INFINITY }],
    ['keepaliveMs', { keepaliveMs: 2 ** 31 }],
    ['flowControlWindowBytes', { flowControlWindowBytes: 5 }],
    ['credentials', { credentials: {} }],
    ['metadata', { metadata: 'token' }],
    ['metadata.a', { metadata: { a: 1 } }],
    ['metadata.a', { metadata: { a: 'b\n' } }],
    ['metadata.A B', { metadata: { 'A B': '' } }],
    ['metadata.a-bin', { metadata: { 'a-bin': '' } }],
    ['defaults.argv', { defaults: { argv: [] } }],
    ['defaults.timeoutMs', { defaults: { timeoutMs: -1 } }],
  ])('is refused where a client is made: %s', (option, options) => {
    const error = thrownBy(() => connect('unix:/x', wrong(options)));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', option });
  });

  it('is refused where it is no address, and where a template is none', () => {
    expect(thrownBy(() => connect('nowhere'))).toBeInstanceOf(OptionError);
    const { $ } = connect('unix:/x');
    for (const none of ['ls', undefined, null]) {
      expect(thrownBy(() => $(wrong<object>(none)))).toBeInstanceOf(OptionError);
    }
  });

  it('is refused where a function gives it', async () => {
    const client = connect('unix:/x', { metadata: () => wrong({ a: 1 }) });
    expect(await errorOf(client.info())).toMatchObject({ option: 'metadata.a' });
  });
});

describe('the codes of errors', () => {
  it('are all in the table of the documentation, and no others', () => {
    const page = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` +\|/gm)].map(([, code]) => code);
    expect(rows).toEqual(Object.keys(ERROR_CODES));
  });
});
