import { allowedAt, type Boundary, type BoundaryRule, boundaryOf } from '../boundary.ts';
import type { FoundLink } from '../mount-plan.ts';
import { DEV, PROC, TEMP } from '../places.ts';
import type { SandboxLayer } from '../sandbox-spec.ts';
import { type ExpandedRule, expandRules, rulesOf, type Surroundings } from './expand-rules.ts';
import { type FoundPath, findPath, pathFault } from './find-path.ts';
import { kernelMounts } from './kernel-mounts.ts';
import { SandboxFault } from './sandbox-fault.ts';
import { lookedAt, newSearch, type Search } from './search.ts';

/** What is asked for. */
export interface Asked extends Surroundings {
  readonly layers: readonly SandboxLayer[];
  /** Paths of which there is nothing inside, whatever rules say. */
  readonly hidden: readonly string[];
}

/** What was found for what was asked for. */
export interface FoundGround {
  readonly boundary: Boundary;
  /** Links by which what is visible was named. */
  readonly links: readonly FoundLink[];
  /** What was found, by the paths without links. */
  readonly byPath: ReadonlyMap<string, FoundPath>;
  /** What all of that was found by. */
  readonly search: Search;
  /** What was mounted meanwhile, as {@link kernelMounts} has it; undefined: it was changed. */
  readonly mounted: readonly BoundaryRule[] | undefined;
}

/**
 * Finds what is asked for.
 *
 * @throws SandboxFault, ChangedError
 */
export function* findGround(asked: Asked): Generator<undefined, FoundGround> {
  const before = kernelMounts();
  const search = newSearch();
  const paths = new Map<string, FoundPath>();
  const layers: (readonly ExpandedRule[])[] = [];
  for (const layer of asked.layers) {
    layers.push(yield* expandRules(layer, asked, { paths, search }));
  }
  const rules = layers.map(rulesOf);
  const wanted = boundaryOf(rules);
  refuseOwnLinks(layers, wanted);
  const find = (path: string): FoundPath => {
    const found = paths.get(path) ?? findPath(path, asked.who, search);
    paths.set(path, found);
    return found;
  };
  const mounted = kernelMounts();
  const boundary = boundaryOf(rules, capsWithin(wanted, mounted, asked.hidden, find));
  assertOwnPlaces(boundary, search);
  const byPath = new Map(
    [...layers.flat().flatMap(({ found }) => found ?? []), ...paths.values()].map(
      (found) => [found.path, found] as const,
    ),
  );
  return {
    boundary,
    links: linksOf(layers, boundary),
    byPath,
    search,
    mounted: mounted === before ? mounted : undefined,
  };
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
  mounts: readonly BoundaryRule[],
  hidden: readonly string[],
  find: (path: string) => FoundPath,
): readonly BoundaryRule[] {
  const isVisible = (path: string): boolean => {
    const { access, space } = asked.at(path);
    return access !== 'none' && space === 'host';
  };
  const none = hidden.map((path) => ({ path, access: 'none', space: 'host' }) as const);
  // The kernel tells paths without links: where they are not visible, nothing has to be found.
  const mounted = mounts.filter(({ path }) => isVisible(path));
  return [...mounted, ...none].flatMap((cap) => {
    const { kind, path } = find(cap.path);
    return kind === 'missing' || !isVisible(path) ? [] : [{ ...cap, path }];
  });
}

/** Where the machine's own `/` is inside, what is mounted there takes a folder of the machine. */
function assertOwnPlaces({ at, points }: Boundary, search: Search): void {
  if (at('/').access === 'none') return;
  for (const { path } of points) {
    const isOwn = path === TEMP || path === PROC || path === DEV;
    if (!isOwn) continue;
    const found = lookedAt(path, search);
    if (typeof found === 'string') throw pathFault(found, path);
    if (!found.isDirectory()) throw pathFault('ENOTDIR', path);
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
