import {
  chmodSync,
  closeSync,
  fstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Agent } from '../../src/files/agent/agent.ts';
import { type Asked, findGround } from '../../src/sandbox/agent/find-ground.ts';
import { KnownMounts } from '../../src/sandbox/agent/known-mounts.ts';
import { mountsOf, openAll } from '../../src/sandbox/agent/mounts.ts';
import { prepareMounts } from '../../src/sandbox/agent/prepare-mounts.ts';
import { ChangedError } from '../../src/sandbox/agent/sandbox-fault.ts';
import { planMounts } from '../../src/sandbox/mount-plan.ts';
import type { SandboxRule } from '../../src/sandbox/sandbox-spec.ts';
import { temporaryFolder } from '../support/harness.ts';
import { rule } from '../support/sandbox-maker.ts';

function askedFor(rules: readonly SandboxRule[]): Asked {
  const who = { uid: process.geteuid?.() ?? 0, gids: [process.getegid?.() ?? 0] };
  return { layers: [{ rules, network: 'none' }], cwd: undefined, who, hidden: [] };
}

/** What comes of a generator that yields to others. */
function toEnd<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** What is prepared, with what is at the other ends of its descriptors. */
function prepared(asked: string): unknown {
  const result = toEnd(prepareMounts(new Agent({ roots: [] }), { asked, held: [] }));
  if (result.kind !== 'ready') return result;
  const files = result.descriptors.map((descriptor) => {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    closeSync(descriptor);
    return { dev, ino };
  });
  return { ...result, descriptors: files };
}

/** What there is for rules, and what it was found by. */
function found(rules: readonly SandboxRule[]) {
  const { boundary, byPath, links, mounted = [], search } = toEnd(findGround(askedFor(rules)));
  const found = (path: string): { kind: 'folder' | 'file' } => ({
    kind: byPath.get(path)?.kind === 'folder' ? 'folder' : 'file',
  });
  const mounts = mountsOf(planMounts({ boundary, found, links }), boundary);
  return { mounts, mounted, search };
}

const NAMES = ['a', 'b', 'a/a', 'a/b', 'b/a', 'a/a/a'];
const NAME = fc.constantFrom(...NAMES);
/** Something that changes the tree, or fails. */
const CHANGE = fc.oneof(
  fc.record({ kind: fc.constantFrom('file', 'folder', 'remove', 'close', 'open'), name: NAME }),
  fc.record({ kind: fc.constantFrom('link', 'rename'), name: NAME, other: NAME }),
);

type Change = typeof CHANGE extends fc.Arbitrary<infer T> ? T : never;

function makeChange(top: string, change: Change): void {
  const path = join(top, change.name);
  const other = 'other' in change ? join(top, change.other) : path;
  try {
    if (change.kind === 'file') writeFileSync(path, '', { flag: 'wx' });
    else if (change.kind === 'folder') mkdirSync(path);
    else if (change.kind === 'remove') rmSync(path, { recursive: true });
    else if (change.kind === 'close') chmodSync(path, 0o600);
    else if (change.kind === 'open') chmodSync(path, 0o755);
    else if (change.kind === 'link') symlinkSync(other, path);
    else renameSync(other, path);
  } catch {
    // It is not there, or there already.
  }
}

describe('what was prepared before', () => {
  it('is what would be prepared anew, whatever is changed, however soon', async () => {
    const top = await temporaryFolder();
    let runs = 0;
    fc.assert(
      fc.property(fc.array(CHANGE, { minLength: 8, maxLength: 24 }), (changes) => {
        runs += 1;
        const w = join(top, String(runs));
        mkdirSync(w);
        const paths = NAMES.map((name) => join(w, name));
        const rules = [
          rule('read', w),
          ...paths.map((path, index) => rule(index % 2 === 0 ? 'read' : 'none', path, true)),
        ];
        const asked = JSON.stringify(askedFor(rules));
        for (const [index, change] of changes.entries()) {
          makeChange(w, change);
          // The same in other words was never asked for.
          const anew = prepared(asked + ' '.repeat(index + 1));
          expect(prepared(asked)).toEqual(anew);
          expect(prepared(asked)).toEqual(anew);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('is found again without a search for it, until that would find something else', async () => {
    const w = await temporaryFolder();
    mkdirSync(join(w, 'a'));
    const known = new KnownMounts();
    const { mounts, mounted, search } = found([rule('read', w), rule('none', join(w, 'a'))]);
    expect([known.find('it'), known.look('it')]).toEqual([undefined, 'changed']);
    known.add('it', search, mounted, mounts);
    for (let time = 0; time < 3; time++) {
      expect(known.find('it')).toBe(mounts);
      expect(known.look('it')).toBe('same');
    }
    renameSync(join(w, 'a'), join(w, 'b'));
    expect(known.look('it')).toBe('changed');
    expect(known.find('it')).toBeUndefined();
  });

  it('is forgotten where other things are mounted', async () => {
    const w = await temporaryFolder();
    const known = new KnownMounts();
    const { mounts, mounted, search } = found([rule('read', w)]);
    known.add('now', search, mounted, mounts);
    known.add('before', search, [...mounted], mounts);
    expect([known.look('now'), known.look('before')]).toEqual(['same', 'changed']);
    expect([known.find('now'), known.find('before')]).toEqual([mounts, undefined]);
  });

  it('is remembered of some, those that were asked for last', async () => {
    const w = await temporaryFolder();
    const known = new KnownMounts();
    const { mounts, mounted, search } = found([rule('read', w)]);
    for (let index = 0; index < 100; index++) {
      known.add(String(index), search, mounted, mounts);
      expect(known.look('0')).toBe('same');
    }
    const kept = Array.from({ length: 100 }, (_, index) => index).filter(
      (index) => known.find(String(index)) !== undefined,
    );
    expect(kept.length).toBeLessThan(50);
    expect(kept).toContain(99);
    const long = 'x'.repeat(1_000_000);
    known.add(long, search, mounted, mounts);
    expect(known.find(long)).toBeUndefined();
  });

  it('is opened by its paths, and by nothing that is one of them for a moment', async () => {
    const w = await temporaryFolder();
    const at = (name: string): string => join(w, name);
    for (const name of ['a', 'other']) {
      mkdirSync(at(name));
      writeFileSync(at(`${name}/file`), name);
    }
    const opened = [{ path: at('a/file') }];
    const [descriptor = -1] = openAll(opened, () => true);
    expect(readFileSync(`/proc/self/fd/${descriptor}`, 'utf8')).toBe('a');
    closeSync(descriptor);
    // While it is opened a link is where the folder was, and then it is there again.
    renameSync(at('a'), at('kept'));
    symlinkSync('other', at('a'));
    const putBack = (): boolean => {
      unlinkSync(at('a'));
      renameSync(at('kept'), at('a'));
      return false;
    };
    expect(() => openAll(opened, putBack)).toThrow(ChangedError);
    expect(readFileSync(at('a/file'), 'utf8')).toBe('a');
  });
});
