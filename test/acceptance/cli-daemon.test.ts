import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/client/index.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/harness.ts';

it('serves in the background, says so, and is found by its status', async () => {
  const folder = await temporaryFolder();
  const address = `unix:${join(folder, 'socket')}`;
  const serve = ['serve', '--listen', address, '--state-dir', folder];
  expect((await runCli([...serve, '--status'])).code).toBe(3);
  const begun = await runCli([...serve, '--daemon']);
  expect(begun.stdout.toString()).toMatch(
    /^runlet listening on unix:.*\nits log is .*serve\.log\n$/,
  );
  const { stdout } = await runCli([...serve, '--json']);
  const { pid, version }: { pid: number; version: string } = JSON.parse(stdout.toString());
  onTestFinished(() => void process.kill(pid));
  expect(await connect(address).info()).toMatchObject({ version });
  const again = await runCli([...serve, '--daemon']);
  expect([again.code, again.stderr]).toEqual([
    125,
    `runlet: a server is up already at ${address}, as process ${pid}, version ${version}\n`,
  ]);
  expect(await readFile(join(folder, 'serve.log'), 'utf8')).toContain('"level"');
});
