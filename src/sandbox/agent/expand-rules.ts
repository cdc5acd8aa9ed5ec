import { Turn } from '../../files/agent/turns.ts';
import type { BoundaryRule } from '../boundary.ts';
import { DEV, PLATFORM, PROC, SHM, TEMP } from '../places.ts';
import type { SandboxAccess, SandboxLayer, SandboxRule } from '../sandbox-spec.ts';
import { type FoundPath, findPath, pathFault, type Who } from './find-path.ts';
import { SandboxFault } from './sandbox-fault.ts';
import type { Search } from './search.ts';

/** A rule that says something of a path. */
export interface ExpandedRule {
  readonly says: readonly BoundaryRule[];
  /** What it was found by; undefined: it is about what a sandbox has of its own. */
  readonly found: FoundPath | undefined;
}

/** What is needed to find what rules name. */
export interface Surroundings {
  /** What the place `cwd` is, a path; undefined: no rule names that. */
  readonly cwd: string | undefined;
  /** Who is inside. */
  readonly who: Who;
}

/**
 * Finds what the rules of a layer name. Others have a turn when that takes long: a step costs more
 * than most rules do.
 *
 * @param paths what was found before
 * @throws SandboxFault
 */
export function* expandRules(
  { rules }: SandboxLayer,
  { cwd, who }: Surroundings,
  { paths, search }: { readonly paths: Map<string, FoundPath>; readonly search: Search },
): Generator<undefined, readonly ExpandedRule[]> {
  const expanded: ExpandedRule[] = [];
  const turn = new Turn();
  const find = (path: string): FoundPath => {
    const found = paths.get(path) ?? findPath(path, who, search);
    paths.set(path, found);
    return found;
  };
  for (const rule of rules) {
    const { access } = rule;
    if ('path' in rule.at) {
      expanded.push(ruleAt(find(rule.at.path), rule));
    } else if (rule.at.place === 'temp') {
      const space = access === 'none' ? 'host' : 'temp';
      expanded.push({ says: [{ path: TEMP, access, space }], found: undefined });
    } else if (rule.at.place === 'platform') {
      // As far as there is any of it: what is missing cannot be of use.
      const found = PLATFORM.map(find).filter(({ kind }) => kind !== 'missing');
      expanded.push(...found.map((path) => ruleAt(path, rule)));
      expanded.push({ says: [...ownProc(access), ...ownDev(access)], found: undefined });
    } else if (rule.at.place === 'root') {
      expanded.push(ruleAt(find('/'), rule));
    } else {
      if (cwd === undefined) throw new SandboxFault('rule', '', 'there is no cwd');
      expanded.push(ruleAt(find(cwd), rule));
    }
    yield* turn.rest();
  }
  return expanded;
}

function ruleAt(found: FoundPath, { access, at, missingOk }: SandboxRule): ExpandedRule {
  const { errnoName, kind, path } = found;
  const named = 'path' in at ? at.path : path;
  if (kind === 'missing') {
    // What cannot be looked at by who is inside needs no more hiding.
    const isOut = errnoName === 'EACCES' ? access !== 'none' : !missingOk;
    if (isOut) throw pathFault(errnoName, named);
    return { says: access === 'write' ? [] : [{ path, access, space: 'host' }], found };
  }
  if (kind === 'device' && access !== 'none') {
    throw new SandboxFault('rule', '', `${named}: no device is in a sandbox but those of its own`);
  }
  if (path.startsWith(`${PROC}/`)) {
    throw new SandboxFault('rule', '', `${named}: a sandbox has a ${PROC} of its own`);
  }
  if (path === PROC) return { says: ownProc(access), found };
  if (path === DEV) return { says: ownDev(access), found };
  const own = path === '/' ? [...ownProc(access), ...ownDev(access)] : [];
  return { says: [{ path, access, space: 'host' }, ...own], found };
}

/** Whatever is said of it: it is the sandbox's own, and that is not more than it is. */
function ownProc(access: SandboxAccess): readonly BoundaryRule[] {
  if (access === 'none') return [{ path: PROC, access, space: 'host' }];
  return [{ path: PROC, access: 'read', space: 'proc' }];
}

function ownDev(access: SandboxAccess): readonly BoundaryRule[] {
  if (access === 'none') return [{ path: DEV, access, space: 'host' }];
  return [
    { path: DEV, access: 'read', space: 'dev' },
    { path: SHM, access: 'write', space: 'shm' },
  ];
}

/** The rules of a layer: shared memory is a part of devices, and is hidden with them. */
export function rulesOf(expanded: readonly ExpandedRule[]): readonly BoundaryRule[] {
  const rules = expanded.flatMap(({ says }) => says);
  const hidesDev = rules.some(({ access, path }) => path === DEV && access === 'none');
  return hidesDev ? rules.filter(({ space }) => space !== 'shm') : rules;
}
