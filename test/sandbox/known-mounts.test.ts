import {
  chmodSync,
  closeSync,
  fstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Agent } from '../../src/files/agent/agent.ts';
import { type Asked, findGround } from '../../src/sandbox/agent/find-ground.ts';
import { KnownMounts } from '../../src/sandbox/agent/known-mounts.ts';
import { type Mounts, mountsOf } from '../../src/sandbox/agent/mounts.ts';
import { prepareMounts } from '../../src/sandbox/agent/prepare-mounts.ts';
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

  it('is found again without a look at what it is made of, until that is changed', async () => {
    const w = await temporaryFolder();
    mkdirSync(join(w, 'a'));
    const known = new KnownMounts();
    const asked = askedFor([rule('read', w), rule('none', join(w, 'a'))]);
    const find = (): { mounts: Mounts; add: (text: string) => void } => {
      const { boundary, byPath, links, mounted = [], search } = toEnd(findGround(asked));
      const found = (path: string): { kind: 'folder' | 'file' } => ({
        kind: byPath.get(path)?.kind === 'folder' ? 'folder' : 'file',
      });
      const mounts = mountsOf(planMounts({ boundary, found, links }), boundary);
      return { mounts, add: (text) => known.add(text, search, mounted, mounts) };
    };
    const { add, mounts } = find();
    expect(known.find('it')).toBeUndefined();
    add('it');
    expect(known.find('it')).toBe(mounts);
    expect(known.find('it')).toBe(mounts);
    renameSync(join(w, 'a'), join(w, 'b'));
    expect(known.find('it')).toBeUndefined();
    // It is not asked again.
    renameSync(join(w, 'b'), join(w, 'a'));
    expect(known.find('it')).toBeUndefined();
  });

  it('is forgotten where other things are mounted', async () => {
    const w = await temporaryFolder();
    const known = new KnownMounts();
    const {
      boundary,
      links,
      mounted = [],
      search,
    } = toEnd(findGround(askedFor([rule('read', w)])));
    const plan = planMounts({ boundary, found: () => ({ kind: 'folder' }), links });
    const mounts = mountsOf(plan, boundary);
    known.add('now', search, mounted, mounts);
    known.add('before', search, [...mounted], mounts);
    expect([known.find('now'), known.find('before')]).toEqual([mounts, undefined]);
  });

  it('is remembered of some, those that were asked for last', async () => {
    const w = await temporaryFolder();
    const known = new KnownMounts();
    const {
      boundary,
      links,
      mounted = [],
      search,
    } = toEnd(findGround(askedFor([rule('read', w)])));
    const plan = planMounts({ boundary, found: () => ({ kind: 'folder' }), links });
    const mounts = mountsOf(plan, boundary);
    for (let index = 0; index < 100; index++) {
      known.add(String(index), search, mounted, mounts);
      expect(known.find('0')).toBe(mounts);
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
});
