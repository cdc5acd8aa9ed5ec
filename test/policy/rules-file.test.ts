import { chmod, chown, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FILES_LOOK_MS, MAX_POLICY_BYTES } from '../../src/limits.ts';
import { parsePolicy } from '../../src/policy/parse-policy.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { openRulesFile } from '../../src/policy/rules-file.ts';
import type { WatchedFiles } from '../../src/watched-files.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/harness.ts';

/** A policy with so many entries. */
const policyOf = (entries: number): string =>
  `principals: [${Array.from({ length: entries }, (_, i) => `{match: 'peer:${i}'}`).join()}]\n`;

async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

interface Opened {
  readonly path: string;
  readonly folder: string;
  readonly file: WatchedFiles<Policy>;
  /** What was told, in order: how many entries a policy has, or what is wrong with one. */
  readonly told: readonly (number | string)[];
  /** Looks so many times, to the end of each. */
  look(times: number): Promise<void>;
}

async function opened(entries = 1, name = 'policy.yaml'): Promise<Opened> {
  const folder = await temporaryFolder();
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, policyOf(entries));
  const clock = new FakeClock();
  const told: (number | string)[] = [];
  const file = await openRulesFile({
    parse: parsePolicy,
    path,
    clock,
    onChange: (policy: Policy) => told.push(policy.entries.length),
    onProblem: (error) => told.push(error?.message ?? 'good'),
  });
  onTestFinished(() => file.close());
  const look = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      clock.advance(FILES_LOOK_MS);
      // The next one is waited for when this one is done.
      await vi.waitUntil(() => clock.pending === 1, { interval: 1, timeout: 30_000 });
    }
  };
  return { path, folder, file, told, look };
}

const entriesOf = ({ current }: WatchedFiles<Policy>): number => current.entries.length;

describe('a policy file', () => {
  it('is read again when another takes its place, and told of once', async () => {
    const { file, look, path, told } = await opened(1);
    await look(3);
    expect(told).toEqual([]);
    await replace(path, policyOf(2));
    await look(4);
    expect([told, entriesOf(file)]).toEqual([[2], 2]);
  });

  it('is read again when it is written to in place, and when a link to it is changed', async () => {
    const { file, folder, look, path, told } = await opened(1, 'real/one.yaml');
    await writeFile(path, policyOf(3));
    await look(2);
    expect(entriesOf(file)).toBe(3);
    // As Kubernetes mounts secrets: the file is a link through a link to a folder.
    await mkdir(join(folder, 'next'));
    await writeFile(join(folder, 'next/one.yaml'), policyOf(4));
    await rename(join(folder, 'real'), join(folder, 'old'));
    await symlink('next', join(folder, 'real'));
    await look(2);
    expect(entriesOf(file)).toBe(4);
    await symlink('old', join(folder, 'swap'));
    await rename(join(folder, 'swap'), join(folder, 'real'));
    await look(2);
    expect([told, entriesOf(file)]).toEqual([[3, 4, 3], 3]);
  });

  it('is not read while it is being written: not before it is found the same twice', async () => {
    const { file, look, path, told } = await opened(1);
    await writeFile(path, policyOf(2));
    await look(1);
    await writeFile(path, policyOf(3));
    await look(1);
    expect([told, entriesOf(file)]).toEqual([[], 1]);
    await look(1);
    expect([told, entriesOf(file)]).toEqual([[3], 3]);
  });

  it('stays in force as it was while it is broken, or gone, and says so once', async () => {
    const { file, look, path, told } = await opened(1);
    await replace(path, 'principals: [{match: "*", program: /x}]');
    await look(4);
    expect(told).toEqual(['line 1, column 27: there is no "program" here']);
    await rm(path);
    await look(4);
    expect(told.slice(1)).toEqual(['it cannot be read (ENOENT)']);
    await replace(path, policyOf(5));
    await look(2);
    expect([told.slice(2), entriesOf(file)]).toEqual([[5, 'good'], 5]);
  });

  it('is not taken any more when others can write it', async () => {
    const { file, look, path, told } = await opened(1);
    await writeFile(path, policyOf(2));
    await chmod(path, 0o666);
    await look(3);
    expect(told).toEqual(['other users can write to it (chmod go-w)']);
    await chmod(path, 0o644);
    await look(2);
    expect([told.slice(1), entriesOf(file)]).toEqual([[2, 'good'], 2]);
  });

  it('is looked at no more when it is closed', async () => {
    const { file, path, told } = await opened(1);
    file.close();
    file.close();
    await replace(path, policyOf(2));
    expect(told).toEqual([]);
  });
});

describe('a file that is no policy at the start', () => {
  const open = (path: string): Promise<WatchedFiles<Policy>> =>
    openRulesFile({
      parse: parsePolicy,
      path,
      clock: new FakeClock(),
      onChange: () => {},
      onProblem: () => {},
    });

  it.each([
    ['group', 0o620],
    ['everybody', 0o602],
  ])('is refused where %s may write it', async (_who, mode) => {
    const path = join(await temporaryFolder(), 'policy');
    await writeFile(path, policyOf(1));
    await chmod(path, mode);
    await expect(open(path)).rejects.toThrow('other users can write to it');
  });

  it.skipIf(process.getuid?.() !== 0)('is refused where it is of another user', async () => {
    const path = join(await temporaryFolder(), 'policy');
    await writeFile(path, policyOf(1));
    await chown(path, 65_534, 0);
    await expect(open(path)).rejects.toThrow('it belongs to another user');
  });

  it('is refused where it is too large, no text, a folder, or not there', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'policy');
    await writeFile(path, `#${'x'.repeat(MAX_POLICY_BYTES)}`);
    await expect(open(path)).rejects.toThrow(`it has more than ${MAX_POLICY_BYTES} bytes`);
    await writeFile(path, Buffer.of(0x23, 0xff));
    await expect(open(path)).rejects.toThrow('it is not UTF-8');
    await expect(open(folder)).rejects.toThrow('it is no file');
    await expect(open(`${path}.none`)).rejects.toThrow('it cannot be read (ENOENT)');
  });
});
