// @ts-check
import { relative } from 'node:path';
import { BaseSequencer } from 'vitest/node';

/**
 * Files that took longest, of any step, the slowest first: one that is begun late is left alone in
 * the end, when other processors have nothing to do. vitest knows by itself only what it ran before
 * in the same clone.
 */
export const SLOWEST = [
  'test/acceptance/floods-bodies.test.ts',
  'test/cli/examples.test.ts',
  'test/identity/told-apart.test.ts',
  'test/conformance/mutants-of-sandboxes.test.ts',
  'test/acceptance/sandbox-acts.test.ts',
  'test/acceptance/cli-typed.test.ts',
  'test/bench/files.test.ts',
  'test/fuzz/fuzz.test.ts',
  'test/docs/walks.test.ts',
  'test/acceptance/floods.test.ts',
  'test/acceptance/many-sessions.test.ts',
  'test/conformance/cli.test.ts',
  'test/client/faults.test.ts',
  'test/client/acknowledging.test.ts',
  'test/conformance/mutants-of-processes.test.ts',
  'test/acceptance/egress-tunnels.test.ts',
  'test/acceptance/files-load.test.ts',
  'test/acceptance/tunnels-bounds.test.ts',
  'test/client/many-tunnels.test.ts',
  'test/acceptance/files-escapes.test.ts',
  'test/acceptance/cli.test.ts',
  'test/examples/examples.test.ts',
  'test/output/tiers.property.test.ts',
  'test/client/files-transfer.test.ts',
  'test/client/files-breaks.test.ts',
  'test/conformance/mutants-of-calls.test.ts',
  'test/client/leaks.test.ts',
  'test/acceptance/leaks.test.ts',
  'test/acceptance/lossless.test.ts',
  'test/acceptance/spool.test.ts',
  'test/bridge/bridge-flow.test.ts',
  'test/conformance/conformance.test.ts',
  'test/cli/docs.test.ts',
];

/** Begins with the files that take longest. */
export class SlowestFirst extends BaseSequencer {
  /**
   * @override
   * @param {Parameters<BaseSequencer['sort']>[0]} files
   */
  async sort(files) {
    return slowestFirst(await super.sort(files), ({ moduleId }) =>
      relative(process.cwd(), moduleId),
    );
  }
}

/**
 * Puts the slowest first, and leaves the others in their order.
 *
 * @template F
 * @param {readonly F[]} files
 * @param {(file: F) => string} pathOf its path in the project
 */
export function slowestFirst(files, pathOf) {
  const rank = (/** @type {F} */ file) => {
    const known = SLOWEST.indexOf(pathOf(file));
    return known < 0 ? SLOWEST.length : known;
  };
  return [...files].sort((a, b) => rank(a) - rank(b));
}
