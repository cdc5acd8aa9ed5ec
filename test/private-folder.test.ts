import { chmod, mkdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensurePrivateFolder, ensureUnsharedFolder, makeFolder } from '../src/private-folder.ts';
import { temporaryFolder } from './support/harness.ts';

describe('a private folder', () => {
  it('is made with mode 0700, and accepted again', async () => {
    const path = join(await temporaryFolder(), 'made');
    await ensurePrivateFolder(path);
    await ensurePrivateFolder(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  it('is not one that others can use', async () => {
    const path = join(await temporaryFolder(), 'open');
    await mkdir(path);
    await chmod(path, 0o755);
    await expect(ensurePrivateFolder(path)).rejects.toThrow('can be used by other users');
  });

  it('is not a link that somebody put there', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'target'), { mode: 0o700 });
    await symlink(join(folder, 'target'), join(folder, 'link'));
    await expect(ensurePrivateFolder(join(folder, 'link'))).rejects.toThrow('is not a folder');
  });
});

describe('a folder below one that is missing', () => {
  it('is made with it, both with mode 0700', async () => {
    const folder = await temporaryFolder();
    await makeFolder(join(folder, 'one', 'two'));
    for (const path of ['one', 'one/two']) {
      expect((await stat(join(folder, path))).mode & 0o777).toBe(0o700);
    }
  });

  it.runIf(process.platform === 'linux')('is refused where none can be made', async () => {
    await expect(makeFolder('/proc/none/runlet')).rejects.toThrow('/proc/none cannot be made');
  });
});

describe('an unshared folder', () => {
  it('is made with mode 0700', async () => {
    const path = join(await temporaryFolder(), 'made');
    await ensureUnsharedFolder(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  it('may be read by others, but not be written to', async () => {
    const path = join(await temporaryFolder(), 'open');
    await mkdir(path);
    await chmod(path, 0o755);
    await ensureUnsharedFolder(path);
    for (const mode of [0o770, 0o707]) {
      await chmod(path, mode);
      await expect(ensureUnsharedFolder(path)).rejects.toThrow('can be written to by other users');
    }
  });
});
