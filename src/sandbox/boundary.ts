import type { SandboxAccess } from './sandbox-spec.ts';

/**
 * Whose a path is: the machine's, or of what a sandbox has of its own: its folder for temporary
 * files, its shared memory, its processes, its devices.
 */
export type Space = 'host' | 'temp' | 'shm' | 'proc' | 'dev';

/** What one layer says of a path and what is below it. */
export interface BoundaryRule {
  /** An absolute path without links, `.` and `..`: a text of system-text.ts. */
  readonly path: string;
  readonly access: SandboxAccess;
  readonly space: Space;
}

/** A path at which what can be done becomes another than in the folder that it is in. */
export type Point = BoundaryRule;

/** What can be done where, of all layers together. */
export interface Boundary {
  /** Folders before what is in them. */
  readonly points: readonly Point[];
  /** The point that counts for a path. */
  at(path: string): Point;
  /** The point that counts for the folder that a path is in. */
  above(path: string): Point;
}

/** What counts where there is no rule: there is nothing, and `/` is empty. */
const NOWHERE: Point = { path: '/', access: 'none', space: 'host' };

const RIGHTS: readonly SandboxAccess[] = ['none', 'read', 'write'];

/**
 * Takes layers together: what each of them allows can be done, and nothing else.
 *
 * @param caps what is the most that can be done with files of the machine, whatever layers say
 */
export function boundaryOf(
  layers: readonly (readonly BoundaryRule[])[],
  caps: readonly BoundaryRule[] = [],
): Boundary {
  const sides = layers.map(strongest);
  const most = strongest(caps);
  const paths = new Set([...sides, most].flatMap((side) => [...side.keys()]));
  const kept = new Map<string, Point>();
  // A folder is before what is in it: its path is the beginning of the other.
  for (const path of [...paths].sort()) {
    const { access, space } = together(sides, most, path);
    const above = nearest(kept, folderOf(path)) ?? NOWHERE;
    if (access === above.access && space === above.space) continue;
    kept.set(path, { path, access, space });
  }
  return {
    points: [...kept.values()],
    at: (path) => nearest(kept, path) ?? NOWHERE,
    above: (path) => nearest(kept, folderOf(path)) ?? NOWHERE,
  };
}

/** What all layers together allow at one path. */
export function allowedAt(
  layers: readonly (readonly BoundaryRule[])[],
  path: string,
): Omit<Point, 'path'> {
  return together(layers.map(strongest), new Map(), path);
}

/** The folder that a path is in; undefined: it is `/`. */
export function folderOf(path: string): string | undefined {
  if (path === '/') return undefined;
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** The folders that a path is in, `/` first. */
export function foldersOf(path: string): readonly string[] {
  const folders: string[] = [];
  for (let at = folderOf(path); at !== undefined; at = folderOf(at)) folders.push(at);
  return folders.reverse();
}

type Side = ReadonlyMap<string, BoundaryRule>;

/** Of the rules for one path, the one that counts. */
function strongest(rules: readonly BoundaryRule[]): Side {
  const side = new Map<string, BoundaryRule>();
  for (const rule of rules) {
    const other = side.get(rule.path);
    if (other === undefined || strength(rule) > strength(other)) side.set(rule.path, rule);
  }
  return side;
}

/** `none`, then what is the sandbox's own, which hides what the machine has there, then `write`. */
function strength({ access, space }: BoundaryRule): number {
  if (access === 'none') return 4;
  return (space === 'host' ? 0 : 2) + (access === 'write' ? 1 : 0);
}

function together(sides: readonly Side[], most: Side, path: string): Omit<Point, 'path'> {
  const rules = sides.map((side) => nearest(side, path) ?? NOWHERE);
  const [{ space } = NOWHERE] = rules;
  // What one side means the machine's files by, and the other its own, both do not allow.
  if (rules.some((rule) => rule.space !== space)) return NOWHERE;
  const cap = space === 'host' ? nearest(most, path) : undefined;
  const access = least([...rules, ...(cap === undefined ? [] : [cap])]);
  return access === 'none' ? NOWHERE : { access, space };
}

function least(rules: readonly BoundaryRule[]): SandboxAccess {
  const rights = rules.map(({ access }) => RIGHTS.indexOf(access));
  return RIGHTS[Math.min(...rights)] ?? 'none';
}

/** The rule for the longest path that contains this one. */
function nearest(rules: Side, path: string | undefined): BoundaryRule | undefined {
  for (let at = path; at !== undefined; at = folderOf(at)) {
    const rule = rules.get(at);
    if (rule !== undefined) return rule;
  }
  return undefined;
}
