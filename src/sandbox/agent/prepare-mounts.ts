import { lstatSync } from 'node:fs';
import type { Agent } from '../../files/agent/agent.ts';
import { MAX_SANDBOX_MOUNTS } from '../../limits.ts';
import { type Found, type MountPlan, planMounts } from '../mount-plan.ts';
import { type Asked, type FoundGround, findGround } from './find-ground.ts';
import { findPath, pathFault } from './find-path.ts';
import { KnownMounts } from './known-mounts.ts';
import { type Mounts, mountsOf, openAll } from './mounts.ts';
import { makePlaceholder, type Placeholder, removePlaceholders } from './placeholders.ts';
import { ChangedError, errnoNameOfError, SandboxFault } from './sandbox-fault.ts';

/** What is to be prepared. */
export interface PrepareMountsArgs {
  /**
   * {@link Asked} in JSON: one text takes less from thread to thread than what it is of, and tells
   * whether the same was asked for before.
   */
  readonly asked: string;
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
  | ({
      readonly kind: 'ready';
      readonly descriptors: readonly number[];
      readonly made: readonly Placeholder[];
    } & Pick<Mounts, 'arguments' | 'first' | 'hasTemp' | 'points'>);

/** How often all is looked at anew because it was changed meanwhile. */
const MAX_TRIES = 5;

/** What this thread has found before. */
const KNOWN = new KnownMounts();

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
  { asked: text, held }: PrepareMountsArgs,
): Generator<undefined, PrepareMountsResult> {
  const holds = new Set(held);
  const known = prepareKnown(text, holds);
  if (known !== undefined) return known;
  const asked: Asked = JSON.parse(text);
  const ground = yield* findGround(asked);
  const closed = new Set<string>();
  for (;;) {
    const plan = planFor(ground, asked, closed);
    const mounts = mountsOf(plan, ground.boundary);
    // A folder that is made, or cannot be, is not what was found.
    if (plan.placeholders.length + closed.size === 0 && ground.mounted !== undefined) {
      KNOWN.add(text, ground.search, ground.mounted, mounts);
    }
    const wanted = hold(mounts, holds);
    if (wanted !== undefined) return wanted;
    const made = makePlaceholders(agent, plan, asked.who.uid);
    if ('closed' in made) {
      closed.add(made.closed);
      continue;
    }
    try {
      return ready(mounts, made);
    } catch (error) {
      removePlaceholders(agent, made);
      throw error;
    }
  }
}

/** The same as before, where nothing is another one than it was. */
function prepareKnown(asked: string, holds: ReadonlySet<string>): PrepareMountsResult | undefined {
  const mounts = KNOWN.find(asked);
  if (mounts === undefined) return undefined;
  const look = (): boolean => {
    const found = KNOWN.look(asked);
    if (found === 'changed') throw new ChangedError(asked);
    // What was opened meanwhile by names that are what they were is what they are of.
    return found === 'untouched';
  };
  try {
    const wanted = hold(mounts, holds);
    if (wanted === undefined) return ready(mounts, [], look);
    look();
    return wanted;
  } catch (error) {
    if (!(error instanceof ChangedError || error instanceof SandboxFault)) throw error;
    KNOWN.forget(asked);
    return undefined;
  }
}

function planFor(
  { boundary, byPath, links, search }: FoundGround,
  { who }: Asked,
  closed: ReadonlySet<string>,
): MountPlan {
  const found = (path: string): Found => {
    const there = byPath.get(path) ?? findPath(path, who, search);
    if (there.path !== path) throw new ChangedError(path);
    if (there.kind === 'missing') {
      return { kind: 'missing', base: there.base, fixed: there.fixed || closed.has(there.base) };
    }
    return { kind: there.kind === 'folder' ? 'folder' : 'file' };
  };
  const plan = planMounts({ boundary, found, links });
  if (plan.operations.length > MAX_SANDBOX_MOUNTS) {
    throw new SandboxFault('limits', '', `it takes more than ${MAX_SANDBOX_MOUNTS} mounts`);
  }
  return plan;
}

/** What has to be held yet. */
function hold({ held }: Mounts, holds: ReadonlySet<string>): PrepareMountsResult | undefined {
  return held.every((path) => holds.has(path)) ? undefined : { kind: 'hold', paths: held };
}

function ready(
  mounts: Mounts,
  made: readonly Placeholder[],
  isSame?: () => boolean,
): PrepareMountsResult {
  const { arguments: options, first, hasTemp, opened, points } = mounts;
  const descriptors = openAll(opened, isSame);
  return { kind: 'ready', arguments: options, descriptors, first, hasTemp, points, made };
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
