import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { configKeys } from '../../src/cli/serve-config-keys.ts';
import { configSchema } from '../../src/cli/serve-config-schema.ts';
import { LIVE_KEYS } from '../../src/cli/serve-live.ts';
import { certify, makeAuthority } from '../support/certificates.ts';
import { runCli, spawnCli } from '../support/cli.ts';
import { connectTo } from '../support/client.ts';
import { firstLinesOf } from '../support/first-line.ts';
import { temporaryFolder } from '../support/harness.ts';
import { idleServe } from '../support/serve-config.ts';
import { linedToken } from '../support/token-server.ts';

const PAGE = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');

/** The example of the page. */
const [, EXAMPLE = ''] = /<!-- configuration: example -->\n\n```yaml\n(.*?)```/s.exec(PAGE) ?? [];

/** Names of keys in a part of the page. */
function namesIn(part: string): readonly string[] {
  return [...part.matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => name).sort();
}

/** The example with all that it names in a folder, which is there. */
async function exampleFile(): Promise<{ readonly folder: string; readonly file: string }> {
  const folder = await temporaryFolder();
  for (const name of ['etc', 'run', 'lib', 'log']) await mkdir(join(folder, name));
  const authority = await makeAuthority('authority');
  const server = await certify('server', authority);
  const files = {
    tokens: `${linedToken('ci').line}\n`,
    'tls.crt': server.certificate,
    'tls.key': server.key,
    'policy.yaml': 'principals: [{match: "*"}]',
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, 'etc', name), text, { mode: 0o600 });
  }
  const text = EXAMPLE.replace(/\/(etc|run|var\/lib|var\/log)\/runlet/g, (_, name: string) =>
    join(folder, name.replace('var/', '')),
  )
    .replace(/:(7443|7444|9464)\b/g, ':0')
    .replace('[0, 1000]', `[${process.getuid?.() ?? 0}, 1000]`);
  const file = join(folder, 'etc', 'serve.yaml');
  await writeFile(file, text);
  return { folder, file };
}

describe('the configuration in docs/operating.md', () => {
  it('is one for the schema', () => {
    const takes = new Ajv({ allowUnionTypes: true }).compile(configSchema());
    expect([takes(parse(EXAMPLE)), takes.errors]).toEqual([true, null]);
  });

  it('is one in which nothing is wrong, by which a server serves', async () => {
    const { file, folder } = await exampleFile();
    const checked = await runCli(['serve', '--config', file, '--check', '--json']);
    expect(JSON.parse(checked.stdout.toString())).toMatchObject({ ok: true, problems: [] });
    const child = spawnCli(['serve', '--config', file], { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    expect(await firstLinesOf(child, 4)).toEqual([
      `runlet listening on unix:${join(folder, 'run', 'runlet.sock')}`,
      expect.stringMatching(/^runlet listening on 0\.0\.0\.0:/),
      expect.stringMatching(/^runlet listening on 127\.0\.0\.1:/),
      expect.stringMatching(/^runlet metrics on 127\.0\.0\.1:/),
    ]);
    const address = { kind: 'unix', path: join(folder, 'run', 'runlet.sock') } as const;
    const { limits } = await connectTo(address).info();
    expect(limits).toMatchObject({ maxSessions: 2000, defaultDetachedTtlMs: 600_000 });
  });

  it('is told of with each key that can be changed while a server runs', () => {
    const [, part = ''] = /<!-- live keys: begin -->(.*)<!-- live keys: end -->/s.exec(PAGE) ?? [];
    expect(namesIn(part)).toEqual([...LIVE_KEYS].sort());
  });

  it('is told of with each key whose values can have commas', () => {
    const [, part = ''] =
      /separate values as well, except of (.*?), whose values/s.exec(PAGE) ?? [];
    const keys = configKeys(idleServe()).filter(({ list }) => list?.between === 'lines');
    expect(namesIn(part)).toEqual(keys.map(({ name }) => name).sort());
  });
});
