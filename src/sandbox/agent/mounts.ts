import { closeSync, openSync } from 'node:fs';
import { terminated } from '../../system-text.ts';
import type { Boundary } from '../boundary.ts';
import { bwrapArguments, type ToOpen } from '../bwrap-arguments.ts';
import type { MountPlan } from '../mount-plan.ts';
import { TEMP } from '../places.ts';
import { procArguments } from '../proc-arguments.ts';
import { assertFound, openPath } from './find-path.ts';

/** What is mounted for a boundary, but for the descriptors that it takes. */
export interface Mounts {
  /** See PreparedSandbox. */
  readonly arguments: string;
  /** What {@link arguments} have descriptors of, in their order. */
  readonly opened: readonly ToOpen[];
  /** See MountPlan. */
  readonly held: readonly string[];
  readonly first: string;
  /** See PreparedSandbox. */
  readonly hasTemp: boolean;
  /** What can be done where, `Point[]` in JSON: it is seldom asked for. */
  readonly points: string;
}

/** What is mounted by a plan for a boundary. */
export function mountsOf({ first, held, operations }: MountPlan, boundary: Boundary): Mounts {
  const opened: ToOpen[] = [];
  const options = bwrapArguments(operations, (what) => void opened.push(what), procArguments());
  const temp = boundary.at(TEMP);
  return {
    arguments: terminated(options),
    opened,
    held,
    first,
    hasTemp: temp.space === 'temp' && temp.access === 'write',
    points: JSON.stringify(boundary.points),
  };
}

/**
 * Opens what mounts have descriptors of.
 *
 * @param isSame looks, when all is open, whether names on the way to it are known to be what they were
 *   when it was found. Else each that is open is looked at.
 * @throws SandboxFault, ChangedError with nothing left open
 */
export function openAll(
  opened: readonly ToOpen[],
  isSame: () => boolean = () => false,
): readonly number[] {
  const descriptors: number[] = [];
  try {
    for (const what of opened) descriptors.push(openIt(what));
    if (!isSame()) assertAll(opened, descriptors);
    return descriptors;
  } catch (error) {
    for (const descriptor of descriptors) closeSync(descriptor);
    throw error;
  }
}

/** Each that has no content is one of its own: bwrap(1) closes it. */
function openIt(what: ToOpen): number {
  return what === 'nothing' ? openSync('/dev/null', 'r') : openPath(what.path);
}

function assertAll(opened: readonly ToOpen[], descriptors: readonly number[]): void {
  for (const [index, descriptor] of descriptors.entries()) {
    const what = opened[index];
    if (what !== undefined && what !== 'nothing') assertFound(descriptor, what.path);
  }
}
