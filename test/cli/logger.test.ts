import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { resultOf } from '../support/cli.ts';

const LOGGER = new URL('../../dist/cli/logger.js', import.meta.url).href;
const STRAY = new URL('../../dist/cli/stray-output.js', import.meta.url).href;

/** What a program writes to the log that has a logger, and what else would be written there. */
async function logged(script: string): Promise<readonly Record<string, unknown>[]> {
  const code = `
    const { createLogger } = await import(${JSON.stringify(LOGGER)});
    const { logStrayOutput } = await import(${JSON.stringify(STRAY)});
    const { flush, logger } = createLogger('debug');
    logStrayOutput(logger);
    ${script};
    await flush();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code]);
  const { code: exit, stderr } = await resultOf(child);
  expect(exit).toBe(0);
  expect(stderr).not.toContain('hunter2');
  return stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the log of a server', () => {
  it('has no secret that is in a line, at any level', async () => {
    const lines = await logged(`
      const err = new Error('Bearer hunter2', { cause: new Error('https://a:hunter2@b/?hunter2') });
      for (const level of ['debug', 'info', 'warn', 'error', 'fatal']) {
        logger[level]({ err, headers: { authorization: 'hunter2' } }, 'rlt1.hunter2');
      }`);
    expect(lines.map(({ level }) => level)).toEqual([20, 30, 40, 50, 60]);
    expect(lines.map(({ msg }) => msg)).toEqual(Array(5).fill('[redacted]'));
  });

  it('has none in what a library or Node.js says', async () => {
    const lines = await logged(`
      console.error('a %s', 'Bearer hunter2', new Error('rlt1.hunter2'), { cookie: 'hunter2' });
      process.emitWarning('see https://me:hunter2@example.com/?hunter2');
      await new Promise(setImmediate);`);
    expect(lines).toMatchObject([
      { from: 'console', msg: expect.stringMatching(/^a Bearer \[redacted\]/) },
      { from: 'node', msg: 'Warning: see https://[redacted]@example.com/?[redacted]' },
    ]);
  });

  it.each([
    // A secret that the end of what is logged, or of what is looked at, would cut in two.
    `'x'.repeat(970) + ' https://me:hunter2@example.com/'`,
    `'x'.repeat(7_970) + ' https://me:hunter2@example.com/' + ' x'.repeat(1_000)`,
    `'rlt1.' + 'x'.repeat(7_975) + ' https://me:hunter2@example.com/' + 'x'.repeat(1_000)`,
    `'x'.repeat(100_000) + ' Bearer hunter2'`,
  ])('has none where a text is cut off: %#', async (text) => {
    const [line] = await logged(`console.log(${text})`);
    expect(String(line?.['msg']).length).toBeLessThanOrEqual(1_000);
  });

  it('has no line that is too long to be looked through', async () => {
    const lines = await logged(`
      logger.warn({ more: 'x'.repeat(70_000) + ' Bearer hunter2' }, 'much');
      logger.info('more')`);
    expect(lines).toMatchObject([
      { level: 40, msg: 'a line of the log is left out: it is too long' },
      { level: 30, msg: 'more' },
    ]);
    expect(Number(lines[0]?.['length'])).toBeGreaterThan(70_000);
    expect(lines[0]?.['time']).toEqual(expect.any(String));
  });
});
