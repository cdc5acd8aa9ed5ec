import { chmod, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RunletError, type StartFailureDetail } from '../../src/errors.ts';
import {
  checkProgram,
  checkWorkingDirectory,
  findProgram,
} from '../../src/process/program-lookup.ts';
import { temporaryFolder } from '../support/harness.ts';

/** A file of a folder that is made if it is missing; its real path. */
async function file(folder: string, name: string, mode: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, name);
  await writeFile(path, '#!/bin/sh\n');
  await chmod(path, mode);
  return realpath(path);
}

const program = (folder: string, name: string): Promise<string> => file(folder, name, 0o755);
const plainFile = (folder: string, name: string): Promise<string> => file(folder, name, 0o644);

/** The real path of what is found, if it is a program. */
async function find(name: string, cwd: string, path?: string): Promise<string> {
  const env = new Map(path === undefined ? [] : [['PATH', path]]);
  const found = await findProgram(name, cwd, env);
  await checkProgram(found);
  return realpath(found);
}

/** The failure of a start, which must fail. */
async function startFailureOf(step: Promise<unknown>): Promise<StartFailureDetail> {
  const error = await step.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) throw new Error('it succeeded');
  if (!(error instanceof RunletError) || error.details.startFailure === undefined) throw error;
  expect(error.reason).toBe('START_FAILED');
  return error.details.startFailure;
}

describe('a name without a slash', () => {
  it('is looked up in the folders of PATH, the first one winning', async () => {
    const root = await temporaryFolder();
    const first = await program(join(root, 'a'), 'tool');
    const second = await program(join(root, 'b'), 'tool');
    expect(await find('tool', '/', `${root}/a:${root}/b`)).toBe(first);
    expect(await find('tool', '/', `${root}/b:${root}/a`)).toBe(second);
  });

  it('is looked up beyond folders that are missing or no folders', async () => {
    const root = await temporaryFolder();
    const notFolder = await plainFile(root, 'file');
    const tool = await program(join(root, 'b'), 'tool');
    expect(await find('tool', '/', `${root}/missing:${notFolder}:${root}/b`)).toBe(tool);
  });

  it('passes over a file that is not executable', async () => {
    const root = await temporaryFolder();
    await plainFile(join(root, 'a'), 'tool');
    const tool = await program(join(root, 'b'), 'tool');
    expect(await find('tool', '/', `${root}/a:${root}/b`)).toBe(tool);
  });

  it('passes over a folder of that name', async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, 'a', 'tool'), { recursive: true });
    const tool = await program(join(root, 'b'), 'tool');
    expect(await find('tool', '/', `${root}/a:${root}/b`)).toBe(tool);
  });

  it('is not found in the working directory unless PATH says so', async () => {
    const cwd = await temporaryFolder();
    await program(cwd, 'tool');
    expect(await startFailureOf(find('tool', cwd, '/usr/bin'))).toMatchObject({
      errnoName: 'ENOENT',
    });
  });

  it.each([
    ['at the beginning', ':/nonexistent'],
    ['in the middle', '/nonexistent::/nonexistent'],
    ['at the end', '/nonexistent:'],
    ['as all there is', ''],
  ])('finds the working directory by an empty element of PATH %s', async (_where, path) => {
    const cwd = await temporaryFolder();
    const tool = await program(cwd, 'tool');
    expect(await find('tool', cwd, path)).toBe(tool);
  });

  it('takes a relative element of PATH from the working directory', async () => {
    const cwd = await temporaryFolder();
    const tool = await program(join(cwd, 'bin'), 'tool');
    expect(await find('tool', cwd, 'bin')).toBe(tool);
    expect(await find('tool', join(cwd, 'bin'), '.')).toBe(tool);
  });

  it('finds a program through a symbolic link', async () => {
    const root = await temporaryFolder();
    const tool = await program(join(root, 'a'), 'tool');
    await symlink(tool, join(root, 'link'));
    expect(await find('link', '/', root)).toBe(tool);
  });

  it("is looked up in the system's own path if there is no PATH", async () => {
    const cwd = await temporaryFolder();
    await program(cwd, 'sh');
    expect(await findProgram('sh', cwd, new Map())).toMatch(/^(?:\/usr)?\/bin\/sh$/);
  });
});

describe('a name with a slash', () => {
  it('is taken as it is if it is absolute', async () => {
    const root = await temporaryFolder();
    const tool = await program(root, 'tool');
    expect(await find(tool, '/', '/nonexistent')).toBe(tool);
  });

  it('is a path from the working directory, not from PATH', async () => {
    const root = await temporaryFolder();
    const here = await program(join(root, 'here', 'bin'), 'tool');
    await program(join(root, 'path', 'bin'), 'tool');
    expect(await find('bin/tool', join(root, 'here'), join(root, 'path'))).toBe(here);
    expect(await find('./tool', join(root, 'here', 'bin'), '')).toBe(here);
  });

  it('goes through symbolic links as the system does', async () => {
    const root = await temporaryFolder();
    const meant = await program(join(root, 'elsewhere'), 'tool');
    await mkdir(join(root, 'elsewhere', 'deep'));
    await program(join(root, 'here'), 'tool');
    await symlink(join(root, 'elsewhere', 'deep'), join(root, 'here', 'link'));
    expect(await find('link/../tool', join(root, 'here'))).toBe(meant);
  });

  it('that ends with a slash is no program', async () => {
    const root = await temporaryFolder();
    await program(root, 'tool');
    expect(await startFailureOf(find('./tool/', root))).toMatchObject({ errnoName: 'ENOTDIR' });
  });
});

describe('a program that cannot be run', () => {
  it('is ENOENT if it is nowhere', async () => {
    const root = await temporaryFolder();
    for (const name of ['tool', './tool', `${root}/tool`]) {
      expect(await startFailureOf(find(name, root, root))).toMatchObject({
        stage: 'PROGRAM',
        errnoName: 'ENOENT',
      });
    }
  });

  it('is EACCES if it is not executable', async () => {
    const root = await temporaryFolder();
    await plainFile(root, 'tool');
    for (const name of ['tool', './tool']) {
      expect(await startFailureOf(find(name, root, root))).toMatchObject({
        stage: 'PROGRAM',
        errnoName: 'EACCES',
      });
    }
  });

  it('is EACCES if it was passed over, wherever else it is missing', async () => {
    const root = await temporaryFolder();
    await plainFile(join(root, 'a'), 'tool');
    const path = `${root}/missing:${root}/a:${root}/missing`;
    expect(await startFailureOf(find('tool', '/', path))).toMatchObject({ errnoName: 'EACCES' });
  });

  it('is EACCES if it is a folder', async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, 'tool'));
    expect(await startFailureOf(find('./tool', root))).toMatchObject({ errnoName: 'EACCES' });
  });

  it('is ELOOP if its links go in a circle', async () => {
    const root = await temporaryFolder();
    await symlink('tool', join(root, 'tool'));
    expect(await startFailureOf(find('./tool', root))).toMatchObject({ errnoName: 'ELOOP' });
  });

  it('is not named in the message, which may hold a secret of the client', async () => {
    const root = await temporaryFolder();
    const { message } = await startFailureOf(find('hunter2', root, root));
    expect(message).toBe('no such program: ENOENT');
  });
});

describe('a working directory', () => {
  it('is accepted if it is a folder', async () => {
    await expect(checkWorkingDirectory(await temporaryFolder())).resolves.toBeUndefined();
  });

  it('is ENOENT if it is missing', async () => {
    const missing = join(await temporaryFolder(), 'missing');
    expect(await startFailureOf(checkWorkingDirectory(missing))).toMatchObject({
      stage: 'CWD',
      errnoName: 'ENOENT',
    });
  });

  it('is ENOTDIR if it is a file', async () => {
    const path = await plainFile(await temporaryFolder(), 'file');
    expect(await startFailureOf(checkWorkingDirectory(path))).toMatchObject({
      stage: 'CWD',
      errnoName: 'ENOTDIR',
    });
  });
});

describe('a PATH', () => {
  it.each([
    ['is longer than a program can be started with', ':'.repeat(3_500_000)],
    [
      'has more folders than are looked at',
      Array.from({ length: 2_000 }, (_, i) => `/${i}`).join(':'),
    ],
  ])('that %s is refused', async (_, path) => {
    expect(await startFailureOf(find('sh', '/', path))).toMatchObject({ errnoName: 'E2BIG' });
  });

  it('that names a folder many times is searched once', async () => {
    const path = `${'/nowhere:'.repeat(10_000)}/bin`;
    expect(await find('sh', '/', path)).toBe(await realpath('/bin/sh'));
  });
});
