import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RunletError } from '../../src/errors.ts';
import type { SandboxRule } from '../../src/sandbox/sandbox-spec.ts';
import { bindMount } from '../support/bind-mount.ts';
import { temporaryFolder } from '../support/harness.ts';
import { rule, runInside, sandboxMaker, sandboxOf } from '../support/sandbox-maker.ts';

/*
 * Each policy is asked for more than once, by the thread that has found what it names before, and
 * what is changed in between is changed at once: within the time that the clock of a file system takes.
 */

interface Place {
  /** A path in the folder that all rules are about. */
  readonly at: (name: string) => string;
  /** What a shell in a sandbox of the rules prints, or why there is none. */
  seen(): Promise<string>;
}

async function place(
  rulesIn: (at: (name: string) => string) => readonly SandboxRule[],
  script: string,
): Promise<Place> {
  const top = await temporaryFolder();
  chmodSync(top, 0o755);
  const at = (name: string): string => join(top, name);
  mkdirSync(at('w'));
  const { prepare } = sandboxMaker();
  const spec = sandboxOf([rule('read', 'platform'), ...rulesIn(at)]);
  return {
    at,
    async seen() {
      try {
        const made = await prepare(spec);
        const { stdout } = await runInside(made, `exec 2>/dev/null; cd ${top}; ${script}`);
        await made.release();
        return stdout;
      } catch (error) {
        if (!(error instanceof RunletError)) throw error;
        return error.details.sandboxFailure?.errnoName ?? error.reason;
      }
    },
  };
}

describe('a policy that is asked for again', () => {
  it('shows what a link leads to now, where there was a file', async () => {
    const { at, seen } = await place((at) => [rule('read', at('w/file'))], 'cat w/file; ls');
    writeFileSync(at('w/file'), 'one ');
    writeFileSync(at('other'), 'other ');
    expect([await seen(), await seen()]).toEqual(['one w\n', 'one w\n']);
    rmSync(at('w/file'));
    symlinkSync('../other', at('w/file'));
    expect(await seen()).toBe('other other\nw\n');
    rmSync(at('w/file'));
    writeFileSync(at('w/file'), 'two ');
    expect([await seen(), await seen()]).toEqual(['two w\n', 'two w\n']);
  });

  it('shows the folder that is there now', async () => {
    const { at, seen } = await place((at) => [rule('read', at('w/folder'))], 'cat w/folder/name');
    for (const name of ['a', 'b']) {
      mkdirSync(at(name));
      writeFileSync(at(`${name}/name`), name);
    }
    symlinkSync('../a', at('w/folder'));
    const found: string[] = [await seen(), await seen()];
    for (const name of ['b', 'a', 'b']) {
      rmSync(at('w/folder'), { recursive: true });
      symlinkSync(`../${name}`, at('w/folder'));
      found.push(await seen());
    }
    rmSync(at('w/folder'));
    renameSync(at('a'), at('w/folder'));
    found.push(await seen());
    renameSync(at('w/folder'), at('w/old'));
    renameSync(at('b'), at('w/folder'));
    found.push(await seen(), await seen());
    expect(found).toEqual(['a', 'a', 'b', 'a', 'b', 'a', 'b', 'b']);
  });

  it('hides what was made since, and what was made in its place', async () => {
    const { at, seen } = await place(
      (at) => [rule('read', at('w')), rule('none', at('w/secret'), true)],
      'cat w/secret || cat w/secret/name || echo hidden; ls w',
    );
    writeFileSync(at('w/file'), '');
    expect([await seen(), await seen()]).toEqual(['hidden\nfile\n', 'hidden\nfile\n']);
    writeFileSync(at('w/secret'), 'told');
    expect([await seen(), await seen()]).toEqual(Array(2).fill('hidden\nfile\nsecret\n'));
    rmSync(at('w/secret'));
    mkdirSync(at('w/secret'));
    writeFileSync(at('w/secret/name'), 'told');
    expect([await seen(), await seen()]).toEqual(Array(2).fill('hidden\nfile\nsecret\n'));
    // It is hidden where it leads to, and leads nowhere.
    rmSync(at('w/secret'), { recursive: true });
    writeFileSync(at('w/real'), 'told');
    symlinkSync('real', at('w/secret'));
    expect(await seen()).toBe('hidden\nfile\nreal\nsecret\n');
  });

  it('keeps what it can change from what it cannot, though that was replaced', async () => {
    const script = 'echo x >w/new; echo x >w/kept/new; cat w/kept/name; ls w; rm -f w/new';
    const { at, seen } = await place(
      (at) => [rule('write', at('w')), rule('read', at('w/kept'))],
      script,
    );
    mkdirSync(at('w/kept'));
    writeFileSync(at('w/kept/name'), 'one ');
    expect([await seen(), await seen()]).toEqual(Array(2).fill('one kept\nnew\n'));
    mkdirSync(at('w/next'));
    writeFileSync(at('w/next/name'), 'two ');
    renameSync(at('w/kept'), at('old'));
    renameSync(at('w/next'), at('w/kept'));
    expect([await seen(), await seen()]).toEqual(Array(2).fill('two kept\nnew\n'));
    // What is inside could have made a link, and had the next one see what it leads to.
    renameSync(at('w/kept'), at('w/moved'));
    symlinkSync('moved', at('w/kept'));
    expect(await seen()).toBe('ELOOP');
  });

  it('is refused where a name is gone, until it is there again', async () => {
    const { at, seen } = await place((at) => [rule('read', at('w/file'))], 'cat w/file');
    writeFileSync(at('w/file'), 'one');
    expect([await seen(), await seen()]).toEqual(['one', 'one']);
    rmSync(at('w/file'));
    expect([await seen(), await seen()]).toEqual(['ENOENT', 'ENOENT']);
    writeFileSync(at('w/file'), 'two');
    expect(await seen()).toBe('two');
    renameSync(at('w'), at('v'));
    expect(await seen()).toBe('ENOENT');
  });

  it('is refused where a folder lets nobody through any more', async () => {
    const { at, seen } = await place((at) => [rule('read', at('w/file'))], 'cat w/file');
    writeFileSync(at('w/file'), 'one');
    expect([await seen(), await seen()]).toEqual(['one', 'one']);
    chmodSync(at('w'), 0o600);
    expect(await seen()).toBe('EACCES');
    chmodSync(at('w'), 0o755);
    expect(await seen()).toBe('one');
  });

  it('shows what is mounted now (needs root)', async ({ skip }) => {
    const { at, seen } = await place((at) => [rule('read', at('w'))], 'cat w/folder/name');
    for (const name of ['w/folder', 'other']) {
      mkdirSync(at(name));
      writeFileSync(at(`${name}/name`), name);
    }
    expect([await seen(), await seen()]).toEqual(['w/folder', 'w/folder']);
    if ((await bindMount(at('other'), at('w/folder'))) !== undefined) skip();
    expect(await seen()).toBe('other');
  });

  it('shows what there is however often that is changed', async () => {
    const { at, seen } = await place((at) => [rule('read', at('w/file'))], 'cat w/file');
    const found: string[] = [];
    for (let round = 0; round < 20; round++) {
      rmSync(at('w/file'), { force: true });
      // Each other time it is a link to what would be there.
      const path = round % 2 === 0 ? at('w/file') : at(`w/${round}`);
      writeFileSync(path, String(round));
      if (round % 2 === 1) symlinkSync(String(round), at('w/file'));
      found.push(await seen());
    }
    expect(found).toEqual(found.map((_, round) => String(round)));
  });
});
