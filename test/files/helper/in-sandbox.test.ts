import { copyFile, cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openFence } from '../../../src/files/fence.ts';
import { runtimeFiles } from '../../../src/files/helper/runtime-files.ts';
import type { HelperStarterOptions } from '../../../src/files/helper/start-in-sandbox.ts';
import { closeRoots, openRoots } from '../../../src/files/roots.ts';
import { agentScript } from '../../../src/files/workers/agent-script.ts';
import type { FileOperations } from '../../../src/files/workers/file-operations.ts';
import type { SandboxAccess, SandboxSpec } from '../../../src/sandbox/sandbox-spec.ts';
import { endableSession, sandboxedHelpers } from '../../support/file-helpers.ts';
import { temporaryFolder } from '../../support/harness.ts';

const ASKER = { principal: 'a', asker: 'a session' };

/** A policy of one layer, of paths and what can be done there. */
function policy(rules: Readonly<Record<string, SandboxAccess>>): SandboxSpec {
  const layer = {
    rules: Object.entries(rules).map(([path, access]) => ({
      at: { path },
      access,
      missingOk: false,
    })),
    network: 'none' as const,
  };
  return { profile: '', layers: [layer], cwd: undefined };
}

function filesIn(
  spec: SandboxSpec,
  options: Partial<Pick<HelperStarterOptions, 'roots' | 'runtime' | 'runtimeFiles'>> = {},
): FileOperations {
  const { helpers } = sandboxedHelpers(options);
  return helpers.of(endableSession().session, ASKER, 'key', spec);
}

/** What every runtime has: the built script, by the program that runs here. */
const RUNTIME = {
  program: process.execPath,
  script: fileURLToPath(agentScript('main-in-sandbox')),
};

function stat(files: FileOperations, path: string): Promise<unknown> {
  return files.run(ASKER, 'stat', { path, follow: true });
}

async function namesIn(files: FileOperations, path: string): Promise<readonly string[]> {
  const steps = files.begin(ASKER, 'listDirectory', { path });
  const names: string[] = [];
  for (let step = await steps.next(); !step.done; step = await steps.next()) {
    names.push(...(step.piece?.files ?? []).map((file) => file.path));
  }
  return names.sort();
}

describe('a helper in a sandbox', () => {
  it('sees what the policy lets it see, and does what that lets it do', async () => {
    const folder = await temporaryFolder();
    for (const name of ['read', 'write', 'other']) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'file'), name);
    }
    const [read, write] = [join(folder, 'read'), join(folder, 'write')];
    const files = filesIn(policy({ [read]: 'read', [write]: 'write' }));
    expect(await namesIn(files, folder)).toEqual([read, write]);
    await expect(stat(files, join(folder, 'other/file'))).rejects.toMatchObject({
      reason: 'FILE_NOT_FOUND',
    });
    await stat(files, join(read, 'file'));
    const made = { mode: undefined, parents: false };
    await files.run(ASKER, 'createDirectory', { path: join(write, 'made'), ...made });
    await expect(
      files.run(ASKER, 'createDirectory', { path: join(read, 'made'), ...made }),
    ).rejects.toMatchObject({ reason: 'READ_ONLY_FILE_SYSTEM' });
    expect(await readdir(read)).toEqual(['file']);
    expect(await readdir(write)).toEqual(['file', 'made']);
  });

  it('passes out what it opens, to be read and written as the policy says', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), 'content');
    const files = filesIn(policy({ [folder]: 'write' }));
    const read = files.begin(ASKER, 'readFile', {
      path: join(folder, 'file'),
      offset: 0n,
      length: undefined,
      ifVersion: '',
    });
    const first = await read.next();
    expect(first).toMatchObject({ piece: { kind: 'file', file: { size: 7n } } });
    expect(await read.next()).toMatchObject({ piece: { kind: 'data' } });
    expect(await read.next()).toMatchObject({ result: { bytes: 7n } });
    const write = files.begin(ASKER, 'writeFile', {
      path: join(folder, 'new'),
      disposition: 'create-new',
      mode: 0o640,
      parents: false,
      ifVersion: '',
      sha256: undefined,
      size: undefined,
      sync: false,
    });
    await write.next();
    await write.next(Buffer.from('written'));
    expect(await write.next({ finish: openFence() })).toMatchObject({
      result: { file: { mode: 0o640 } },
    });
    expect(await readFile(join(folder, 'new'), 'utf8')).toBe('written');
  });

  it('sees nothing of the machine but its runtime where the policy names nothing', async () => {
    const files = filesIn(policy({}));
    const seen = await namesIn(files, '/');
    const needed = (await runtimeFiles(RUNTIME)).flatMap(({ links, name, path }) =>
      [name, path, ...links].map((at) => `/${at.split('/')[1]}`),
    );
    const own = ['/proc', ...seen.filter((name) => name.startsWith('/.runlet'))];
    expect(seen.filter((name) => !needed.includes(name) && !own.includes(name))).toEqual([]);
    await expect(stat(files, '/etc/passwd')).rejects.toMatchObject({ reason: 'FILE_NOT_FOUND' });
    await expect(stat(files, '/root')).rejects.toMatchObject({ reason: 'FILE_NOT_FOUND' });
  });

  it('is confined to folders as everything is', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'root'));
    await writeFile(join(folder, 'root/file'), '');
    await writeFile(join(folder, 'file'), '');
    const roots = openRoots([join(folder, 'root')]);
    try {
      const files = filesIn(policy({ [folder]: 'write' }), { roots });
      expect(await namesIn(files, folder)).toEqual([join(folder, 'root')]);
      await stat(files, join(folder, 'root/file'));
      await expect(stat(files, join(folder, 'file'))).rejects.toMatchObject({
        reason: 'FILE_NOT_FOUND',
      });
    } finally {
      closeRoots(roots);
    }
  });

  it('is not begun where its policy cannot be', async () => {
    const folder = await temporaryFolder();
    const files = filesIn(policy({ [join(folder, 'none')]: 'read' }));
    await expect(stat(files, folder)).rejects.toMatchObject({
      reason: 'SANDBOX_UNAVAILABLE',
      details: { sandboxFailure: { step: 'rule', errnoName: 'ENOENT' } },
    });
  });
});

/** A copy of the program in a folder of a version, and a link to it elsewhere, as nvm and n make them. */
async function linkedProgram(folder: string): Promise<{ target: string; link: string }> {
  const target = join(folder, 'versions/node/v20/bin/node');
  const link = join(folder, 'current/bin/node');
  await mkdir(dirname(target), { recursive: true });
  await mkdir(join(folder, 'current'));
  await copyFile(process.execPath, target);
  await symlink('../versions/node/v20/bin', join(folder, 'current/bin'));
  return { target, link };
}

/** The package as it is installed, in a folder that nobody would think of. */
async function packedInstall(folder: string): Promise<string> {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const installed = join(folder, 'odd folder, with ünicode/node_modules/runlet');
  await mkdir(installed, { recursive: true });
  await cp(join(root, 'dist'), join(installed, 'dist'), { recursive: true });
  await copyFile(join(root, 'package.json'), join(installed, 'package.json'));
  return installed;
}

async function installModules(folder: string): Promise<void> {
  const root = fileURLToPath(new URL('../../../node_modules', import.meta.url));
  for (const name of ['koffi', '@koromix']) {
    await cp(join(root, name), join(folder, 'node_modules', name), { recursive: true });
  }
}

const SCRIPT = 'dist/files/agent/main-in-sandbox.js';

describe('the runtime of a helper', () => {
  it('is found through links to it', async () => {
    const folder = await temporaryFolder();
    const { link } = await linkedProgram(folder);
    const seen = await temporaryFolder();
    const runtime = { ...RUNTIME, program: link };
    await stat(filesIn(policy({ [seen]: 'read' }), { runtime }), seen);
  });

  it('is not complete without the folder that a link is in', async () => {
    const folder = await temporaryFolder();
    const { link } = await linkedProgram(folder);
    const seen = await temporaryFolder();
    const mutant: HelperStarterOptions['runtimeFiles'] = async (runtime) =>
      (await runtimeFiles(runtime)).map(({ path }) => ({ name: path, path, links: [] }));
    const options = { runtime: { ...RUNTIME, program: link }, runtimeFiles: mutant };
    await expect(stat(filesIn(policy({ [seen]: 'read' }), options), seen)).rejects.toMatchObject({
      reason: 'SANDBOX_UNAVAILABLE',
      details: { sandboxFailure: { step: 'helper', errnoName: 'ENOENT' } },
    });
  });

  it('is found in a packed install in an odd folder', async () => {
    const folder = await temporaryFolder();
    const installed = await packedInstall(folder);
    await installModules(dirname(dirname(installed)));
    const seen = await temporaryFolder();
    const runtime = { ...RUNTIME, script: join(installed, SCRIPT) };
    await stat(filesIn(policy({ [seen]: 'read' }), { runtime }), seen);
  });

  it('is found through modules that are linked, and a package that is', async () => {
    const folder = await temporaryFolder();
    const installed = await packedInstall(folder);
    await installModules(join(folder, 'store'));
    await mkdir(join(installed, 'node_modules/@koromix'), { recursive: true });
    for (const name of ['koffi', '@koromix/koffi-linux-x64', '@koromix/koffi-linux-arm64']) {
      const target = join(folder, 'store/node_modules', name);
      await symlink(target, join(installed, 'node_modules', name));
    }
    await mkdir(join(folder, 'global/lib/node_modules'), { recursive: true });
    await symlink(installed, join(folder, 'global/lib/node_modules/runlet'));
    const seen = await temporaryFolder();
    const script = join(folder, 'global/lib/node_modules/runlet', SCRIPT);
    await stat(filesIn(policy({ [seen]: 'read' }), { runtime: { ...RUNTIME, script } }), seen);
  });
});
