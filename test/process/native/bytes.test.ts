import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { RunletClient } from '../../../src/client/index.ts';
import { createLauncher } from '../../../src/process/launchers.ts';
import { textOfBytes } from '../../../src/system-text.ts';
import { connectTo, errorOf } from '../../support/client.ts';
import { serveHere, temporaryFolder } from '../../support/harness.ts';
import { PATH } from '../../support/shell.ts';

/** Latin-1. */
const CAFE = Buffer.from('café', 'latin1');

/** A server that works in a folder whose name is not UTF-8, with a program of such a name. */
async function serveInCafe(): Promise<{ client: RunletClient; folder: Buffer }> {
  const folder = Buffer.concat([Buffer.from(`${await temporaryFolder()}/`), CAFE]);
  await mkdir(folder);
  await writeFile(Buffer.concat([folder, Buffer.from('/'), CAFE]), '#!/bin/sh\npwd\n', {
    mode: 0o755,
  });
  const { address } = await serveHere({
    launcher: createLauncher('posix_spawn'),
    environment: new Map([
      ['PATH', PATH],
      [textOfBytes(CAFE), textOfBytes(Buffer.from([0xff]))],
    ]),
    cwd: textOfBytes(folder),
  });
  return { client: connectTo(address), folder };
}

describe('a server that launches by posix_spawn', () => {
  const printed = Buffer.concat([Buffer.from('/'), CAFE, Buffer.from('\n')]).toString('latin1');

  it('finds programs and folders by names that are not UTF-8', async () => {
    const { client, folder } = await serveInCafe();
    const runs = [
      client.run([Buffer.concat([folder, Buffer.from('/'), CAFE])], { encoding: 'latin1' }),
      client.run([CAFE], { env: { PATH: folder }, cwd: folder, encoding: 'latin1' }),
      client.run([Buffer.concat([Buffer.from('./'), CAFE])], { encoding: 'latin1' }),
    ];
    for (const { stdout } of await Promise.all(runs)) expect(stdout).toContain(printed);
  });

  it('hands its own variables on as they are', async () => {
    const { client } = await serveInCafe();
    const envPolicy = { inherit: 'all' } as const;
    const { stdout } = await client.run(['env'], { envPolicy, encoding: 'latin1' });
    expect(stdout.split('\n')).toContain('café=ÿ');
  });

  it('says what cannot be started as it does of a text', async () => {
    const { client, folder } = await serveInCafe();
    const missing = Buffer.concat([folder, Buffer.from('/none')]);
    const noFolder = await errorOf(client.run(['true'], { cwd: missing }));
    const noProgram = await errorOf(client.run([missing]));
    expect([noFolder, noProgram]).toMatchObject([
      { startFailure: { stage: 'CWD', errnoName: 'ENOENT' } },
      { startFailure: { stage: 'PROGRAM', errnoName: 'ENOENT' } },
    ]);
  });

  it('tells the command line as it was, and in UTF-8 if that is what it is', async () => {
    const { client } = await serveInCafe();
    const session = await client.session();
    const process = await session.start({ argv: ['sh', '-c', ':', CAFE], env: { PATH } });
    const text = await session.start({ argv: ['sh', Buffer.from('-c'), ':'], env: { PATH } });
    const infos = await session.processes();
    expect(process.argv).toEqual(['sh', '-c', ':', 'caf\u{FFFD}']);
    expect(infos.map(({ rawArgv }) => rawArgv?.at(-1))).toEqual([CAFE, undefined]);
    expect(text.argv).toEqual(['sh', '-c', ':']);
    await session.close();
  });
});

describe('a server that launches by child_process', () => {
  it('refuses what it cannot hand on', async () => {
    const { address } = await serveHere({ launcher: createLauncher('child_process') });
    const client = connectTo(address);
    const attempts = [
      client.run(['true', CAFE]),
      client.run(['true'], { cwd: Buffer.concat([Buffer.from('/'), CAFE]) }),
      client.run(['true'], { env: { A: CAFE, PATH } }),
    ];
    for (const attempt of attempts) {
      expect(await errorOf(attempt)).toMatchObject({
        reason: 'START_FAILED',
        startFailure: { stage: 'SPAWN', errnoName: 'ENOTSUP' },
      });
    }
    expect((await client.info()).capabilities.bytes).toBe(false);
  });
});
