import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { OutputStream as StreamName } from '../../src/output/event.ts';
import type { Overflow } from '../../src/output/event-log-options.ts';
import { SPOOL_RETRY_MS, SPOOL_STALL_MS } from '../../src/output/sizes.ts';
import type { FaultyOperation } from './spool/faulty-files.ts';
import { stateFolder } from './spool/support.ts';
import { LOGS, type Plan, type Step, TiersRig } from './tiers-rig.ts';

const log = fc.nat(LOGS - 1);
const reader = fc.nat();

const healthySteps: fc.WeightedArbitrary<Step>[] = [
  {
    weight: 24,
    arbitrary: fc.record({
      kind: fc.constant('output' as const),
      log,
      stream: fc.constantFrom<StreamName>('stdout', 'stderr'),
      length: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 200 })),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      log,
      reader,
      maxBytes: fc.integer({ min: 1, max: 600 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('resume' as const), log, reader, keep: fc.nat() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('wait' as const, 'leave' as const), log, reader }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('lifecycle' as const, 'open' as const), log }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('close' as const, 'abandon' as const, 'dispose' as const),
      log,
    }),
  },
  { weight: 8, arbitrary: fc.constant({ kind: 'turn' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'settle' as const }) },
];

/** Disks that are slow, or do not answer for a while. */
const slowSteps: fc.WeightedArbitrary<Step>[] = [
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('hold' as const, 'letGo' as const) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(1, SPOOL_RETRY_MS, SPOOL_STALL_MS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('chunk' as const),
      bytes: fc.constantFrom(50, 500, Number.POSITIVE_INFINITY),
    }),
  },
];

/** Faults of some operations, about as many as steps that let them be got over. */
function faultySteps(...operations: readonly FaultyOperation[]): fc.WeightedArbitrary<Step>[] {
  const fault = fc.record({
    kind: fc.constant('fault' as const),
    operation: fc.constantFrom(...operations),
    bytesBefore: fc.oneof(fc.constant(0), fc.nat(2000)),
  });
  return [
    { weight: 6, arbitrary: fault },
    { weight: 1, arbitrary: fc.constant({ kind: 'heal' as const }) },
  ];
}

function plan(...overflows: readonly Overflow[]): fc.Arbitrary<Plan> {
  return fc.record({
    overflows: fc.array(fc.constantFrom(...overflows), { minLength: LOGS, maxLength: LOGS }),
    memoryBytes: fc.constantFrom(600, 2_000, 6_000, 1_000_000),
    diskBytes: fc.constantFrom(0, 1_000, 5_000, 1_000_000),
    retainedBytes: fc.constantFrom(300, 3_000, 100_000),
    segmentBytes: fc.constantFrom(400, 2_500),
    sizes: fc.record({
      blockBytes: fc.constantFrom(150, 700),
      hotBytes: fc.constantFrom(0, 600, 3_000),
      lagBytes: fc.constantFrom(600, 3_000),
      indexedEvents: fc.constantFrom(4, 30, 1_000_000),
      recordBytes: fc.constantFrom(0, 100),
    }),
  });
}

async function assertAlways(
  plans: fc.Arbitrary<Plan>,
  kinds: readonly fc.WeightedArbitrary<Step>[],
): Promise<void> {
  const folder = await stateFolder();
  const steps = fc.array(fc.oneof(...kinds), { maxLength: 200, size: 'max' });
  await fc.assert(
    fc.asyncProperty(plans, steps, (some, all) => TiersRig.run(folder, some, all)),
    { numRuns: 100 },
  );
}

const WRITE_FAULTS = ['write', 'write', 'truncate', 'create', 'close'] as const;

describe('logs that share memory and files, whatever is done to them', () => {
  it('tell every reader all bytes or their exact absence', async () => {
    await assertAlways(plan('drop-oldest'), healthySteps);
  });

  it('do so where the disk fails and stalls', async () => {
    const steps = [...healthySteps, ...slowSteps, ...faultySteps(...WRITE_FAULTS, 'read')];
    await assertAlways(plan('drop-oldest'), steps);
  });

  it('do so where some drop and others pause', async () => {
    const steps = [...healthySteps, ...slowSteps, ...faultySteps(...WRITE_FAULTS, 'read')];
    await assertAlways(plan('drop-oldest', 'pause'), steps);
  });

  it('never drop what a reader under way has not had, where they pause instead', async () => {
    const steps = [...healthySteps, ...slowSteps, ...faultySteps(...WRITE_FAULTS)];
    await assertAlways(plan('drop-oldest', 'pause', 'pause'), steps);
  });
});
