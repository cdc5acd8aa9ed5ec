import { closeSync, lstatSync, openSync } from 'node:fs';
import type { Agent } from '../../files/agent/agent.ts';
import { MAX_SANDBOX_MOUNTS } from '../../limits.ts';
import { allowedAt, type Boundary, type BoundaryRule, boundaryOf } from '../boundary.ts';
import { bwrapArguments, type ToOpen } from '../bwrap-arguments.ts';
import { type Found, type FoundLink, type MountPlan, planMounts } from '../mount-plan.ts';
import { DEV, PROC, TEMP } from '../places.ts';
import { procArguments } from '../proc-arguments.ts';
import type { SandboxLayer } from '../sandbox-spec.ts';
import { type ExpandedRule, expandRules, rulesOf, type Surroundings } from './expand-rules.ts';
import { type FoundPath, findPath, newSearch, openFound, pathFault } from './find-path.ts';
import { kernelMounts } from './kernel-mounts.ts';
import { makePlaceholder, type Placeholder, removePlaceholders } from './placeholders.ts';
import { ChangedError, errnoNameOfError, SandboxFault } from './sandbox-fault.ts';

/** What is to be prepared. */
export interface PrepareMountsArgs extends Surroundings {
  readonly layers: readonly SandboxLayer[];
  /** Paths of which there is nothing inside, whatever rules say. */
  readonly hidden: readonly string[];
  /** Paths that nobody removes while this is done, of those that {@link PrepareMountsResult} asks for. */
  readonly held: readonly string[];
}

/** What came of it. */
export type PrepareMountsResult =
  /** These have to be held first; nothing was done. */
  | { readonly kind: 'hold'; readonly paths: readonly string[] }
  | {
      readonly kind: 'failed';
      readonly step: string;
      readonly errnoName: string;
      readonly message: string;
    }
  | {
      readonly kind: 'ready';
      /** See PreparedSandbox. With a NUL between two: many texts take longer from thread to thread. */
      readonly arguments: string;
      readonly descriptors: readonly number[];
      readonly first: string;
      /** What can be done where, `Point[]` in JSON: it is seldom asked for. */
      readonly points: string;
      /** See PreparedSandbox. */
      readonly hasTemp: boolean;
      readonly made: readonly Placeholder[];
    };

/** How often all is looked at anew because it was changed meanwhile. */
const MAX_TRIES = 5;

/** Finds what rules name, and holds it. */
export function* prepareMounts(
  agent: Agent,
  args: PrepareMountsArgs,
): Generator<undefined, PrepareMountsResult> {
  try {
    for (let tries = 1; ; tries++) {
      try {
        return yield* prepareOnce(agent, args);
      } catch (error) {
        if (!(error instanceof ChangedError)) throw error;
        if (tries >= MAX_TRIES) throw pathFault('EAGAIN', error.message);
      }
    }
  } catch (error) {
    if (!(error instanceof SandboxFault)) throw error;
    const { errnoName, message, step } = error;
    return { kind: 'failed', step, errnoName, message };
  }
}

function* prepareOnce(
  agent: Agent,
  args: PrepareMountsArgs,
): Generator<undefined, PrepareMountsResult> {
  const seen = { paths: new Map<string, FoundPath>(), search: newSearch() };
  const layers: (readonly ExpandedRule[])[] = [];
  for (const layer of args.layers) layers.push(yield* expandRules(layer, args, seen));
  const rules = layers.map(rulesOf);
  const asked = boundaryOf(rules);
  refuseOwnLinks(layers, asked);
  const find = (path: string): FoundPath => {
    const found = seen.paths.get(path) ?? findPath(path, args.who, seen.search);
    seen.paths.set(path, found);
    return found;
  };
  const boundary = boundaryOf(rules, capsWithin(asked, args.hidden, find));
  assertOwnPlaces(boundary);
  const byPath = new Map(
    [...layers.flat().flatMap(({ found }) => found ?? []), ...seen.paths.values()].map(
      (found) => [found.path, found] as const,
    ),
  );
  return make(agent, args, boundary, byPath, linksOf(layers, boundary));
}

function make(
  agent: Agent,
  { held, who }: PrepareMountsArgs,
  boundary: Boundary,
  byPath: ReadonlyMap<string, FoundPath>,
  links: readonly FoundLink[],
): PrepareMountsResult {
  const closed = new Set<string>();
  const found = (path: string): Found => {
    const there = byPath.get(path) ?? findPath(path, who, newSearch());
    if (there.path !== path) throw new ChangedError(path);
    if (there.kind === 'missing') {
      return { kind: 'missing', base: there.base, fixed: there.fixed || closed.has(there.base) };
    }
    return { kind: there.kind === 'folder' ? 'folder' : 'file' };
  };
  const holds = new Set(held);
  for (;;) {
    const plan = planMounts({ boundary, found, links });
    if (plan.operations.length > MAX_SANDBOX_MOUNTS) {
      throw new SandboxFault('limits', '', `it takes more than ${MAX_SANDBOX_MOUNTS} mounts`);
    }
    if (plan.held.some((path) => !holds.has(path))) return { kind: 'hold', paths: plan.held };
    const made = makePlaceholders(agent, plan, who.uid);
    if ('closed' in made) {
      closed.add(made.closed);
      continue;
    }
    const descriptors: number[] = [];
    try {
      const open = (what: ToOpen): void => void descriptors.push(openIt(what));
      const options = bwrapArguments(plan.operations, open, procArguments()).join('\0');
      const points = JSON.stringify(boundary.points);
      const temp = boundary.at(TEMP);
      const hasTemp = temp.space === 'temp' && temp.access === 'write';
      const { first } = plan;
      return { kind: 'ready', arguments: options, descriptors, first, points, hasTemp, made };
    } catch (error) {
      for (const descriptor of descriptors) closeSync(descriptor);
      removePlaceholders(agent, made);
      throw error;
    }
  }
}

/** Each that has no content is one of its own: bwrap(1) closes it. */
function openIt(what: ToOpen): number {
  return what === 'nothing' ? openSync('/dev/null', 'r') : openFound(what.path);
}

/** Makes them all, or tells in which folder neither we nor who is inside can make any. */
function makePlaceholders(
  agent: Agent,
  { placeholders }: MountPlan,
  uid: number,
): readonly Placeholder[] | { readonly closed: string } {
  const made: Placeholder[] = [];
  try {
    for (const path of placeholders) made.push(makePlaceholder(agent, path));
    return made;
  } catch (error) {
    removePlaceholders(agent, made);
    const errnoName = errnoNameOfError(error);
    const [path = '/'] = placeholders.slice(made.length);
    // Somebody made it, or removed what it would be in.
    if (errnoName === 'EEXIST' || errnoName === 'ENOENT') throw new ChangedError(path);
    if (errnoName === undefined) throw error;
    const folder = path.slice(0, path.lastIndexOf('/')) || '/';
    if (errnoName === 'EROFS' || (isDenied(errnoName) && !isOwn(folder, uid))) {
      return { closed: folder };
    }
    throw pathFault(errnoName, path);
  }
}

function isDenied(errnoName: string): boolean {
  return errnoName === 'EACCES' || errnoName === 'EPERM';
}

/** Whose is a folder can open it for himself. */
function isOwn(folder: string, uid: number): boolean {
  return lstatSync(folder, { bigint: true }).uid === BigInt(uid);
}

/**
 * Links that what is inside could change, by which a rule was found: whoever runs there next would
 * be let to wherever they lead then.
 */
function refuseOwnLinks(layers: readonly (readonly ExpandedRule[])[], asked: Boundary): void {
  const isOwnLink = ({ path }: FoundLink): boolean => {
    const at = asked.at(path);
    return at.space === 'host' && at.access === 'write';
  };
  const leads = ({ found }: ExpandedRule): boolean => found?.links.some(isOwnLink) === true;
  const doubtful = layers.flat().filter(leads);
  if (doubtful.length === 0) return;
  const all = layers.map(rulesOf);
  const others = layers.map((layer) => rulesOf(layer.filter((rule) => !leads(rule))));
  for (const { says } of doubtful) {
    for (const { path } of says) {
      const [a, b] = [allowedAt(all, path), allowedAt(others, path)];
      if (a.access === b.access && a.space === b.space) continue;
      throw new SandboxFault(
        'rule',
        'ELOOP',
        'a rule leads through a link that can be changed inside',
      );
    }
  }
}

/** Of what is visible as files of the machine: what is the kernel's, or is hidden from everyone. */
function capsWithin(
  asked: Boundary,
  hidden: readonly string[],
  find: (path: string) => FoundPath,
): readonly BoundaryRule[] {
  const isVisible = (path: string): boolean => {
    const { access, space } = asked.at(path);
    return access !== 'none' && space === 'host';
  };
  const none = hidden.map((path) => ({ path, access: 'none', space: 'host' }) as const);
  // The kernel tells paths without links: where they are not visible, nothing has to be found.
  const mounted = kernelMounts().filter(({ path }) => isVisible(path));
  return [...mounted, ...none].flatMap((cap) => {
    const { kind, path } = find(cap.path);
    return kind === 'missing' || !isVisible(path) ? [] : [{ ...cap, path }];
  });
}

/** Where the machine's own `/` is inside, what is mounted there takes a folder of the machine. */
function assertOwnPlaces({ at, points }: Boundary): void {
  if (at('/').access === 'none') return;
  for (const { path } of points) {
    const isOwn = path === TEMP || path === PROC || path === DEV;
    if (isOwn && !lstatSync(path).isDirectory()) throw pathFault('ENOTDIR', path);
  }
}

/** Those by which what can be seen inside was named. */
function linksOf(
  layers: readonly (readonly ExpandedRule[])[],
  boundary: Boundary,
): readonly FoundLink[] {
  return layers.flat().flatMap(({ found }) => {
    if (found === undefined || found.kind === 'missing') return [];
    return boundary.at(found.path).access === 'none' ? [] : found.links;
  });
}
