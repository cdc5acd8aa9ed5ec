import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { serveProfiles } from '../../src/cli/serve-sandboxes.ts';
import type { SandboxProfiles } from '../../src/sandbox/sandbox-spec.ts';
import { collect } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

async function drained(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const part of stream) void part;
}

const REFUSED = 'PERMISSION_DENIED/SANDBOX_REQUIRED';

it('refuses processes and files without a sandbox where one is required, before all else', async () => {
  const { files, folder, log, processes, server, sessionId } = await startHarness({
    requireSandbox: true,
  });
  const path = join(folder, 'made');
  const spec = { argv: ['/bin/sh', '-c', `: > ${path}`] };
  const at = { sessionId, path };
  const open = { case: 'open', value: { sessionId, path } } as const;
  async function* writing() {
    yield { request: open };
  }
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    startProcess: () => processes.startProcess({ sessionId, spec }),
    run: () => collect(processes.run({ spec })),
    statFile: () => files.statFile(at),
    readFile: () => drained(files.readFile(at)),
    writeFile: () => files.writeFile(writing()),
    listDirectory: () => drained(files.listDirectory(at)),
    createDirectory: () => files.createDirectory(at),
    removeFile: () => files.removeFile(at),
    resolvePath: () => files.resolvePath(at),
    createSymlink: () => files.createSymlink({ ...at, target: '/' }),
    watchDirectory: () => drained(files.watchDirectory(at)),
    readTree: () => drained(files.readTree(at)),
  };
  for (const [name, call] of Object.entries(calls)) {
    expect([name, (await failureOf(call())).summary]).toEqual([name, REFUSED]);
  }
  expect(existsSync(path)).toBe(false);
  expect((await processes.listProcesses({ sessionId })).processes).toEqual([]);
  // It names no path: what it is about was let in before.
  const unknown = files.getUpload({ sessionId, uploadId: crypto.randomUUID() });
  expect((await failureOf(unknown)).summary).toBe('NOT_FOUND/UPLOAD_NOT_FOUND');
  // That is asked for is not what is refused.
  const within = processes.startProcess({ sessionId, spec: { ...spec, sandbox: {} } });
  const { summary } = await failureOf(within).catch(() => ({ summary: '' }));
  expect(summary).not.toBe(REFUSED);
  const { capabilities } = await server.getServerInfo({});
  expect(capabilities?.sandbox?.required).toBe(true);
  expect(log.filter((line) => line.includes('SANDBOX_REQUIRED')).length).toBeGreaterThan(0);
});

it('refuses nothing where none is required', async () => {
  const { files, folder, processes, server, sessionId } = await startHarness();
  const path = join(folder, 'made');
  const spec = { argv: ['/bin/sh', '-c', `: > ${path}`] };
  await collect(processes.run({ spec }));
  expect((await files.statFile({ sessionId, path })).file?.size).toBe(0n);
  const { capabilities } = await server.getServerInfo({});
  expect(capabilities?.sandbox?.required).toBe(false);
});

function profile(name: string): string {
  return `profiles: { ${name}: { rules: [{ place: platform, access: read }] } }`;
}

it('tells the profiles of a file, those that were good the last time', async () => {
  const path = join(await temporaryFolder(), 'profiles.yaml');
  const replace = async (text: string): Promise<void> => {
    await writeFile(`${path}.new`, text, { mode: 0o600 });
    await rename(`${path}.new`, path);
  };
  await replace(profile('one'));
  const lines: string[] = [];
  const logger = pino({ base: null }, { write: (line) => void lines.push(line) });
  const served = await serveProfiles(path, logger);
  onTestFinished(() => served.close());
  const { server } = await startHarness({
    sandboxProfiles: (): SandboxProfiles => served.current,
  });
  const names = async (): Promise<readonly string[] | undefined> =>
    (await server.getServerInfo({})).capabilities?.sandbox?.profiles;
  expect(await names()).toEqual(['one']);
  await replace(profile('two'));
  await expect.poll(names).toEqual(['two']);
  await replace('profiles: {');
  await expect.poll(() => lines.join('')).toContain('cannot be taken');
  expect(await names()).toEqual(['two']);
  await replace(profile('three'));
  await expect.poll(names).toEqual(['three']);
});

it('does not serve with profiles that cannot be taken', async () => {
  const path = join(await temporaryFolder(), 'profiles.yaml');
  await writeFile(path, 'profiles: { x: { rules: [{ path: relative, access: read }] } }', {
    mode: 0o600,
  });
  const refused = serveProfiles(path, pino({ enabled: false }));
  await expect(refused).rejects.toThrow(/^--sandbox-profiles .*: line 1, column \d+: /);
});
