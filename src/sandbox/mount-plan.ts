import { type Boundary, foldersOf, type Point } from './boundary.ts';
import { DEV } from './places.ts';

/** One thing that is mounted or made inside, at a path. */
export type MountOperation =
  /** What the machine has at the path. */
  | { readonly kind: 'bind'; readonly path: string; readonly access: 'read' | 'write' }
  /** An empty folder over it, which can be entered where `mode` lets. */
  | { readonly kind: 'hide-folder'; readonly path: string; readonly mode: number }
  /** An empty file over it, which cannot be read. */
  | { readonly kind: 'hide-file'; readonly path: string }
  /** A folder on the way. */
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  /** A new folder in memory. */
  | { readonly kind: 'temp'; readonly path: string; readonly space: 'temp' | 'shm' }
  | { readonly kind: 'proc'; readonly path: string }
  | { readonly kind: 'dev'; readonly path: string }
  /** The first process of the sandbox. */
  | { readonly kind: 'first'; readonly path: string }
  /** What is mounted at the path can be read alone from here on. */
  | { readonly kind: 'seal'; readonly path: string };

/** What is at a path of the machine. */
export type Found =
  | { readonly kind: 'folder' | 'file' }
  | {
      readonly kind: 'missing';
      /** How far the path is there. */
      readonly base: string;
      /** Whether nothing can be made there by who is inside, as long as `base` stays where it is. */
      readonly fixed: boolean;
    };

/** A link that a rule was found through. */
export interface FoundLink {
  readonly path: string;
  readonly target: string;
}

/** How a boundary is made. */
export interface MountPlan {
  /** In their order. */
  readonly operations: readonly MountOperation[];
  /** Folders that have to be made on the disk before, in their order. */
  readonly placeholders: readonly string[];
  /**
   * Paths of the machine that have to stay what they are as long as the sandbox stands, since it
   * could write beside them.
   */
  readonly held: readonly string[];
  /** The path of the first process. */
  readonly first: string;
}

/** What a plan is made of. */
export interface Ground {
  readonly boundary: Boundary;
  /** What there is at a path of a point. */
  found(path: string): Found;
  /** Links by which what is visible was named. */
  readonly links: readonly FoundLink[];
}

/** The name of the first process, in the one folder that is always the sandbox's own. */
const FIRST_NAME = '.runlet-first';

/**
 * Says what has to be mounted so that a boundary holds. What cannot be changed, but is in what can,
 * is a mount, and each folder between is one as well: the kernel lets nobody inside rename, remove
 * or replace a mount, but would let a folder be renamed that has one in it.
 */
export function planMounts({ boundary, found, links }: Ground): MountPlan {
  const nodes = new Map<string, MountOperation>();
  const placeholders = new Set<string>();
  const held = new Set<string>();
  const pin = (path: string, above: Point): void => {
    if (above.space === 'host') {
      held.add(path);
      set(nodes, { kind: 'bind', path, access: 'write' });
    } else if (above.space === 'temp' || above.space === 'shm') {
      set(nodes, { kind: 'temp', path, space: above.space });
    }
  };
  /** The point that counts where a path is: one that may be missing, and is, is no mount. */
  const standingAbove = (path: string): Point => {
    let above = boundary.above(path);
    while (isLeftOut(above, found)) above = boundary.above(above.path);
    return above;
  };
  for (const point of boundary.points) {
    const above = standingAbove(point.path);
    const here = point.space === 'host' ? found(point.path) : undefined;
    const isGuarded = above.access === 'write' && point.access !== 'write';
    // Where nothing can be made, nothing has to be kept from being made.
    if (here?.kind === 'missing' && !isGuarded) continue;
    const isPinned = here?.kind === 'missing' && here.fixed && above.space === 'host';
    const guarded = isPinned ? here.base : point.path;
    if (isGuarded) {
      for (const folder of foldersBetween(above.path, guarded)) pin(folder, above);
    }
    if (isPinned) {
      if (guarded !== above.path) pin(guarded, above);
      continue;
    }
    if (isGuarded && above.space === 'host') held.add(point.path);
    if (here?.kind === 'missing' && above.space === 'host') {
      for (const folder of foldersBetween(here.base, point.path)) placeholders.add(folder);
      placeholders.add(point.path);
    }
    nodes.set(point.path, operationAt(point, above, here));
  }
  for (const { path, target } of links) {
    const at = boundary.at(path);
    const isThere = at.space === 'host' && at.access !== 'none';
    if (isThere || at.space === 'proc' || at.space === 'dev' || nodes.has(path)) continue;
    nodes.set(path, { kind: 'link', path, target });
  }
  const first = `${isVisible(boundary.at('/')) ? DEV : ''}/${FIRST_NAME}`;
  return {
    operations: inOrder(nodes, boundary, first),
    placeholders: [...placeholders].sort(),
    held: [...held].sort(),
    first,
  };
}

/** Whether there is nothing at a point that could be changed: whatever is above decides there. */
function isLeftOut({ access, path, space }: Point, found: Ground['found']): boolean {
  return access === 'write' && space === 'host' && path !== '/' && found(path).kind === 'missing';
}

/** A point decides what is at its path; a folder on the way to another does not. */
function set(nodes: Map<string, MountOperation>, operation: MountOperation): void {
  if (!nodes.has(operation.path)) nodes.set(operation.path, operation);
}

function operationAt(point: Point, above: Point, here: Found | undefined): MountOperation {
  const { access, path, space } = point;
  if (space === 'temp' || space === 'shm') return { kind: 'temp', path, space };
  if (space === 'proc' || space === 'dev') return { kind: space, path };
  const isInMemory = above.space === 'temp' || above.space === 'shm';
  if (access === 'none') {
    return here?.kind === 'file' && !isInMemory
      ? { kind: 'hide-file', path }
      : { kind: 'hide-folder', path, mode: 0 };
  }
  return here?.kind === 'missing'
    ? { kind: 'hide-folder', path, mode: 0o555 }
    : { kind: 'bind', path, access };
}

/** What is mounted, with the folders on the way, what is first, and last what is sealed. */
function inOrder(
  nodes: ReadonlyMap<string, MountOperation>,
  boundary: Boundary,
  first: string,
): readonly MountOperation[] {
  const folders = new Map<string, MountOperation>();
  for (const path of [...nodes.keys(), first]) {
    for (const folder of foldersOf(path)) {
      if (folder === '/' || nodes.has(folder)) continue;
      const at = boundary.at(folder);
      if (at.space === 'host' && isVisible(at)) continue;
      // What is hidden can be passed through, but not looked at.
      const mode = at.access === 'none' && nodes.has(at.path) ? 0o111 : 0o755;
      folders.set(folder, { kind: 'folder', path: folder, mode });
    }
  }
  const entered = new Set([...nodes.keys(), first].flatMap(foldersOf));
  const all = [...folders.values(), ...nodes.values()].sort(byPath);
  const opened = all.map((operation) =>
    operation.kind === 'hide-folder' && operation.mode === 0 && entered.has(operation.path)
      ? { ...operation, mode: 0o111 }
      : operation,
  );
  const sealed = [
    ...(isVisible(boundary.at('/')) ? [] : ['/']),
    ...all.filter((operation) => isSealed(operation, boundary)).map(({ path }) => path),
  ];
  return [
    ...opened,
    { kind: 'first', path: first },
    ...sealed.reverse().map((path) => ({ kind: 'seal', path }) as const),
  ];
}

function isSealed({ kind, path }: MountOperation, boundary: Boundary): boolean {
  if (kind === 'hide-folder' || kind === 'dev') return true;
  return kind === 'temp' && boundary.at(path).access !== 'write';
}

/** The folders between one and what is in it or is it, without both. */
function foldersBetween(folder: string, path: string): readonly string[] {
  const folders = foldersOf(path);
  const at = folders.indexOf(folder);
  if (at < 0 && folder !== path) throw new Error(`${path} is not in ${folder}`);
  return at < 0 ? [] : folders.slice(at + 1);
}

function isVisible({ access }: Point): boolean {
  return access !== 'none';
}

function byPath(a: MountOperation, b: MountOperation): number {
  return a.path < b.path ? -1 : 1;
}
