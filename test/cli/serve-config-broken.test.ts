import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../../src/cli/serve-config-schema.ts';
import { MAX_CONFIG_BYTES } from '../../src/limits.ts';
import { configOf } from '../support/serve-config.ts';
import { BROKEN } from './serve-config-broken.ts';

const takes = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(configSchema());

/** What is said of a file. */
async function saidOf(file: string | Buffer) {
  const { config, problems } = await configOf({ file });
  return problems.map(({ message, ...place }) => ({
    ...place,
    message: message.replace(config.file ?? '', 'FILE'),
  }));
}

describe('a file that makes no sense', () => {
  it('is tried in more than fifty ways', () => {
    expect(BROKEN.length).toBeGreaterThan(50);
    expect(new Set(BROKEN.map(({ file }) => file)).size).toBe(BROKEN.length);
  });

  it.each(BROKEN)('is refused with the line and the key: $file', async (broken) => {
    const { column, file, key, line, said } = broken;
    const [first] = await saidOf(file);
    expect(first).toMatchObject({ line, column, key });
    expect(first?.message).toMatch(`FILE: line ${line}, column ${column}: ${key}: `);
    expect(first?.message).toContain(said);
  });

  it.each(BROKEN.filter(({ schema }) => schema !== 'unread'))(
    'is seen by a schema where one can: $file',
    ({ file, schema }) => {
      expect([takes(parse(file)), takes.errors]).toEqual(
        schema === 'takes' ? [true, null] : [false, expect.anything()],
      );
    },
  );

  it('is refused where it is nested more deeply than can be read', async () => {
    const [first] = await saidOf(`grace: ${'['.repeat(MAX_CONFIG_BYTES - 7)}`);
    expect(first).toMatchObject({ line: 1, key: 'grace' });
    expect(first?.message).toContain('grace: this is nested too deeply');
  });

  it('has all of it told, in the order of the file', async () => {
    const told = await saidOf('grace: x\nlog-level: debug\nheartbeat: 0\nwhatever: 1\n');
    expect(told.map(({ key, line }) => [key, line])).toEqual([
      ['grace', 1],
      ['heartbeat', 3],
      ['whatever', 4],
    ]);
  });

  it.each([
    ['', 'FILE: line 1, column 1: it says nothing; {} does so on purpose'],
    ['# grace: 1\n', 'FILE: line 1, column 1: it says nothing; {} does so on purpose'],
    ['- grace: 1\n', 'FILE: line 1, column 1: this must be an object'],
    ['grace', 'FILE: line 1, column 1: this must be an object'],
    [
      Buffer.from('listen: unix:/a\ngrace: \xff\n', 'latin1'),
      'FILE: line 2, column 1: grace: it is not UTF-8',
    ],
    [`#${'x'.repeat(MAX_CONFIG_BYTES)}`, `FILE: it has more than ${MAX_CONFIG_BYTES} bytes`],
  ])('is refused as a whole: %#', async (file, message) => {
    expect((await saidOf(file)).map((problem) => problem.message)).toEqual([message]);
  });
});

describe('a file that cannot be read', () => {
  it.each([
    ['/nonexistent/serve.yaml', '/nonexistent/serve.yaml: it cannot be read (ENOENT)'],
    ['/dev/null', '/dev/null: it is no file'],
    ['/', '/: it is no file'],
  ])('is named: %s', async (path, message) => {
    const { problems } = await configOf({ words: ['--config', path] });
    expect(problems.map((problem) => problem.message)).toEqual([message]);
  });
});
