import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SandboxAccess, SandboxRule } from '../../src/sandbox/sandbox-spec.ts';
import { temporaryFolder } from '../support/harness.ts';
import { ORDINARY_USER } from '../support/ordinary-user.ts';
import { type Maker, rule, runInside, sandboxMaker, sandboxOf } from '../support/sandbox-maker.ts';

/** A tree of 200 paths: what of it is there, and what is not. */
interface Tree {
  readonly folders: readonly string[];
  readonly files: readonly string[];
  readonly missing: readonly string[];
  readonly all: readonly string[];
}

const TREE = makeTree();

/** Twenty folders at three depths, each with files; beside them, in them and below files: nothing. */
function makeTree(): Tree {
  const folders = [''];
  for (const a of ['a', 'b', 'a-b', 'c']) {
    folders.push(`/${a}`);
    for (const b of ['x', 'y']) {
      folders.push(`/${a}/${b}`);
      if (b === 'x') folders.push(`/${a}/${b}/deep`, `/${a}/${b}/deep er`);
    }
  }
  const files = folders.flatMap((folder) =>
    ['f', "it's", 'x y'].map((name) => `${folder}/${name}`),
  );
  const missing = [
    ...folders.flatMap((folder) => [`${folder}/no`, `${folder}/no/not`, `${folder}/nothing`]),
    ...files.map((file) => `${file}/below`),
  ];
  const all = [...folders, ...files, ...missing].slice(0, 200);
  return { folders, files, missing: missing.slice(0, 200 - folders.length - files.length), all };
}

/** A rule of a policy: a path of the tree by its number, by its name or through a link. */
interface Drawn {
  readonly path: number;
  readonly access: SandboxAccess;
  readonly byLink: boolean;
}

const ACCESS = fc.constantFrom<SandboxAccess>('read', 'write', 'none');
const DRAWN = fc.record({
  path: fc.nat(TREE.all.length - 1),
  access: ACCESS,
  byLink: fc.boolean(),
});
/** The first folders of the tree are the ones that have most in them. */
const LAYER = fc
  .tuple(
    fc.array(fc.record({ path: fc.nat(6), access: ACCESS, byLink: fc.boolean() }), {
      maxLength: 3,
    }),
    fc.array(DRAWN, { minLength: 1, maxLength: 12 }),
    fc.boolean(),
  )
  .map(([folders, others, isWritten]): readonly Drawn[] => [
    // Half of them can write to all that others do not forbid.
    ...(isWritten ? [{ path: 0, access: 'write', byLink: false } as const] : []),
    ...folders,
    ...others,
  ]);
const LAYERS = fc.oneof(
  { weight: 2, arbitrary: fc.tuple(LAYER) },
  { weight: 1, arbitrary: fc.tuple(LAYER, LAYER) },
);

type Layers = readonly (readonly Drawn[])[];

const RIGHTS: readonly SandboxAccess[] = ['none', 'read', 'write'];

/** What a policy says of a path: written down as the documents have it. */
function modelAccess(layers: Layers, path: string): SandboxAccess {
  const each = layers.map((layer) => {
    let best: { length: number; access: SandboxAccess } = { length: -1, access: 'none' };
    for (const { access, path: number } of layer) {
      const at = TREE.all[number] ?? '';
      if (access === 'write' && TREE.missing.includes(at)) continue;
      if (path !== at && !path.startsWith(`${at}/`)) continue;
      const order = ['read', 'write', 'none'];
      const wins =
        at.length > best.length ||
        (at.length === best.length && order.indexOf(access) > order.indexOf(best.access));
      if (wins) best = { length: at.length, access };
    }
    return best.access;
  });
  return RIGHTS[Math.min(...each.map((access) => RIGHTS.indexOf(access)))] ?? 'none';
}

/** What was made of the tree: each path, and the content of files. */
function make(folder: string, uid: number): string {
  const tree = join(folder, 'tree');
  rmSync(tree, { recursive: true, force: true });
  for (const path of TREE.folders) mkdirSync(`${tree}${path}`);
  for (const path of TREE.files) writeFileSync(`${tree}${path}`, `${path}\n`);
  for (const path of [...TREE.folders, ...TREE.files]) chownSync(`${tree}${path}`, uid, uid);
  return tree;
}

function contentOf(folder: string, below = ''): readonly string[] {
  return readdirSync(`${folder}${below}`).flatMap((name) => {
    const path = `${below}/${name}`;
    if (lstatSync(`${folder}${path}`).isDirectory())
      return [`${path}/`, ...contentOf(folder, path)];
    return [`${path}=${readFileSync(`${folder}${path}`, 'utf8')}`];
  });
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Tells of a path what can be read, what is listed, and what could be written: by doing it. */
const TELL = `
tell() {
  content= names= writes=no
  { IFS= read -r content < "$2"; } 2>/dev/null
  if [ -d "$2" ]; then
    for name in "$2"/*; do
      if [ -e "$name" ] || [ -L "$name" ]; then names="$names\${name##*/},"; fi
    done
    { echo new > "$2/new"; } 2>/dev/null && writes=yes
  else
    { echo more >> "$2"; } 2>/dev/null && writes=yes
  fi
  echo "$1|$content|$names|$writes"
}
moves() {
  mv -T "$2" "$2.moved" 2>/dev/null && echo "moved $1"
  rm -d "$2" 2>/dev/null && echo "removed $1"
  ln -s /usr "$2" 2>/dev/null -T && echo "linked $1"
}
`;

interface Told {
  readonly content: string;
  readonly names: readonly string[];
  readonly writes: boolean;
}

describe('a sandbox of random rules', () => {
  const users = ORDINARY_USER === undefined ? [undefined] : [undefined, ORDINARY_USER];
  it.each(users)('lets be done what a model says, and nothing else, as user %s', async (uid) => {
    const folder = await temporaryFolder();
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'links'));
    for (const [i, path] of TREE.all.entries()) {
      symlinkSync(`../tree${path}`, join(folder, 'links', `${i}`));
    }
    const maker = sandboxMaker();
    await fc.assert(
      fc.asyncProperty(LAYERS, (layers) => holds(maker, folder, layers, uid)),
      { numRuns: 50, endOnFailure: true },
    );
    expect(maker.placeholders.size).toBe(0);
    expect(maker.errors).toEqual([]);
  });
});

async function holds(
  { prepare }: Maker,
  folder: string,
  layers: Layers,
  uid: number | undefined,
): Promise<void> {
  const tree = make(folder, uid ?? process.getuid?.() ?? 0);
  const rules = layers.map((layer): SandboxRule[] => [
    rule('read', 'platform'),
    ...layer.map(({ access, byLink, path }) =>
      rule(access, byLink ? join(folder, 'links', `${path}`) : `${tree}${TREE.all[path]}`, true),
    ),
  ]);
  const user =
    uid === undefined
      ? undefined
      : { name: '', uid, gid: uid, groups: [uid], home: '/', shell: '/bin/sh' };
  const made = await prepare(sandboxOf(...rules), { user });
  const access = new Map(TREE.all.map((path) => [path, modelAccess(layers, path)]));
  const isThere = (path: string): boolean => !TREE.missing.includes(path);
  // Whatever has something in it that cannot be changed stays where it is, though what it is in can be changed.
  const guarded = TREE.all.filter(
    (path) =>
      access.get(parentOf(path)) === 'write' &&
      TREE.all.some(
        (at) => access.get(at) !== 'write' && (at === path || at.startsWith(`${path}/`)),
      ),
  );
  const script = [
    TELL,
    ...guarded.slice(0, 12).map((path) => `moves ${quoted(path)} ${quoted(`${tree}${path}`)}`),
    ...TREE.all.map((path, i) => `tell ${i} ${quoted(`${tree}${path}`)}`),
  ].join('\n');
  const { stderr, stdout } = await runInside(made, script, { uid });
  await made.release();

  const lines = stdout.split('\n').filter((line) => line !== '');
  expect([stderr, lines.filter((line) => !line.includes('|'))]).toEqual(['', []]);
  const told = new Map(lines.map((line) => toldIn(line)));
  expect(told.size).toBe(TREE.all.length);
  const expected: string[] = [];
  for (const [path, may] of access) {
    const { content, names, writes } = told.get(path) ?? { content: '', names: [], writes: false };
    const isFolder = TREE.folders.includes(path);
    const canBeMade = TREE.folders.includes(parentOf(path));
    // A folder that is made to keep what is in it from being made; it stays if something else is.
    const isKept =
      !isThere(path) &&
      may === 'write' &&
      TREE.missing.some((at) => at.startsWith(`${path}/`) && access.get(at) !== 'write');
    const expectWrites = isKept ? writes : may === 'write' && (isThere(path) || canBeMade);
    const what = { path, may, content, names: names.join(), writes };
    expect(what).toMatchObject({
      content: isFolder || may === 'none' || !isThere(path) ? '' : path,
      writes: expectWrites,
    });
    if (isFolder) {
      const children = TREE.all.filter(
        (child) => isThere(child) && parentOf(child) === path && child !== '',
      );
      const visible = children.filter(
        (child) =>
          may !== 'none' ||
          TREE.all.some((at) => access.get(at) !== 'none' && `${at}/`.startsWith(`${child}/`)),
      );
      for (const child of may === 'none' ? [] : visible) {
        expect(names).toContain(child.slice(path.length + 1));
      }
      if (may === 'none') {
        const allowed = visible.map((child) => child.slice(path.length + 1));
        expect(allowed).toEqual(expect.arrayContaining([...names]));
      }
    }
    if (isFolder && path !== '') expected.push(`${path}/`);
    if (isFolder && expectWrites) expected.push(`${path}/new=new\n`);
    if (TREE.files.includes(path)) {
      expected.push(`${path}=${path}\n${expectWrites ? 'more\n' : ''}`);
    }
    if (isKept && writes) expected.push(`${path}/`, `${path}/new=new\n`);
    else if (!isThere(path) && expectWrites) expected.push(`${path}=more\n`);
  }
  // On the disk is what the model lets be done; nothing that kept paths from being made is left.
  expect([...contentOf(tree)].sort()).toEqual(expected.sort());
}

function toldIn(line: string): readonly [string, Told] {
  const [number = '', content = '', names = '', writes = ''] = line.split('|');
  const told = {
    content,
    names: names.split(',').filter((name) => name !== ''),
    writes: writes === 'yes',
  };
  return [TREE.all[Number(number)] ?? '', told];
}
