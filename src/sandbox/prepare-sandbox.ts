import { close } from 'node:fs';
import type { RunletError } from '../errors.ts';
import type { FileWorkers } from '../files/workers/file-workers.ts';
import type { RunUser } from '../process/users/run-user.ts';
import type { Asker } from '../turn-queue.ts';
import type { Asked } from './agent/find-ground.ts';
import type { Who } from './agent/find-path.ts';
import type { PrepareMountsResult } from './agent/prepare-mounts.ts';
import { type Boundary, boundaryOf, type Point } from './boundary.ts';
import type { Hold, Placeholders } from './placeholders.ts';
import type { PreparedSandbox } from './prepared-sandbox.ts';
import { sandboxUnavailable } from './sandbox-failure.ts';
import type { SandboxNetwork, SandboxSpec } from './sandbox-spec.ts';

/** What a sandbox is prepared with. */
export interface PrepareSandboxOptions {
  readonly workers: FileWorkers;
  readonly placeholders: Placeholders;
  /** Who asks for it. */
  readonly asker: Asker;
  /** What the place `cwd` means, where the spec does not say. */
  readonly cwd: string | undefined;
  /** Who is inside. Default: the user of this process, without any capability. */
  readonly user?: RunUser | undefined;
  /**
   * Paths that no sandbox lets be seen, whatever its rules say: the server's folder for its state,
   * and its sockets, by which what is inside could ask for what it is not allowed. Default: none.
   */
  readonly hidden?: readonly string[];
}

/** How often what has to be held may be something else when it is looked at again. */
const MAX_TRIES = 5;

/**
 * Finds what a sandbox names, and holds it.
 *
 * @throws RunletError `SANDBOX_UNAVAILABLE` at the steps `rule` and `limits`; `LIMIT_EXCEEDED` and
 *   `DRAINING` as {@link FileWorkers} has them
 */
export async function prepareSandbox(
  spec: SandboxSpec,
  { asker, cwd, hidden = [], placeholders, user, workers }: PrepareSandboxOptions,
): Promise<PreparedSandbox> {
  const wanted: Asked = { layers: spec.layers, cwd: spec.cwd ?? cwd, who: whoIs(user), hidden };
  const asked = JSON.stringify(wanted);
  let hold: Hold | undefined;
  let held: readonly string[] = [];
  try {
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const result = await workers.run(asker, 'prepareMounts', { asked, held });
      if (result.kind === 'failed') throw unavailable(result);
      if (result.kind === 'ready') {
        hold?.adopt(result.made);
        return prepared(result, networkOf(spec), hold);
      }
      await hold?.release();
      hold = undefined;
      held = result.paths;
      hold = await placeholders.hold(held);
    }
  } catch (error) {
    await hold?.release();
    throw error;
  }
  await hold?.release();
  throw sandboxUnavailable('rule', 'EAGAIN', 'what the rules name changes all the time');
}

function prepared(
  result: Extract<PrepareMountsResult, { kind: 'ready' }>,
  network: SandboxNetwork,
  hold: Hold | undefined,
): PreparedSandbox {
  const { descriptors, first, hasTemp, points } = result;
  let known: Boundary | undefined;
  const boundary = (): Boundary => {
    // It is one layer that allows just this.
    known ??= boundaryOf([JSON.parse(points) as Point[]]);
    return known;
  };
  let isOpen = true;
  const closeDescriptors = (): void => {
    if (!isOpen) return;
    isOpen = false;
    // By the pool: the last descriptor of a file may take a while to close.
    for (const descriptor of descriptors) close(descriptor, () => {});
  };
  return {
    network,
    hasTemp,
    accessAt: (path) => boundary().at(path).access,
    arguments: result.arguments,
    first,
    descriptors,
    closeDescriptors,
    async release() {
      closeDescriptors();
      await hold?.release();
    },
  };
}

/** What each side allows. */
function networkOf({ layers }: SandboxSpec): SandboxNetwork {
  return layers.every(({ network }) => network === 'host') ? 'host' : 'none';
}

function whoIs(user: RunUser | undefined): Who {
  if (user !== undefined) return { uid: user.uid, gids: [user.gid, ...user.groups] };
  const { getegid, geteuid, getgroups } = process;
  if (geteuid === undefined || getegid === undefined || getgroups === undefined) {
    throw sandboxUnavailable('mechanism', '', 'this system has no users');
  }
  return { uid: geteuid(), gids: [getegid(), ...getgroups()] };
}

function unavailable({
  errnoName,
  message,
  step,
}: Extract<PrepareMountsResult, { kind: 'failed' }>): RunletError {
  return sandboxUnavailable(step, errnoName, message);
}
