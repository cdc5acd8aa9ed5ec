import { create, equals, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunletError } from '../../src/errors.ts';
import {
  Inherit,
  Overflow,
  ProcessSpecSchema,
  StdinMode,
} from '../../src/gen/runlet/v1/process_pb.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import type { ProcessSpec } from '../../src/process/process-spec.ts';
import {
  parseProcessSpec,
  type SpecDefaults,
  specFingerprint,
} from '../../src/server/requests/process-spec.ts';

type SpecInit = MessageInitShape<typeof ProcessSpecSchema>;

const LIMITS = {
  ...DEFAULT_LIMITS,
  maxRetainedBytes: 1000,
  defaultRetainedBytes: 500,
  maxRetentionMs: 60_000,
  defaultRetentionMs: 30_000,
};

function parse(init: SpecInit, overflow: SpecDefaults['overflow'] = 'drop-oldest'): ProcessSpec {
  const message = create(ProcessSpecSchema, init);
  return parseProcessSpec(message, { cwd: '/default', limits: LIMITS, overflow });
}

const manyVariables = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`V${i}`, '']));
const withPolicy = (envPolicy: NonNullable<SpecInit['envPolicy']>): SpecInit => ({
  argv: ['sh'],
  envPolicy,
});
const withOutput = (output: NonNullable<SpecInit['output']>): SpecInit => ({
  argv: ['sh'],
  output,
});

/** The fields that are wrong. */
function wrongFields(check: () => unknown): readonly string[] {
  try {
    check();
  } catch (error) {
    if (!(error instanceof RunletError)) throw error;
    expect(error.reason).toBe('INVALID_REQUEST');
    return (error.details.violations ?? []).map(({ field }) => field);
  }
  throw new Error('it was accepted');
}

describe('what a process may be ahead of its readers', () => {
  const retained = (output: NonNullable<SpecInit['output']>): number => {
    const message = create(ProcessSpecSchema, withOutput(output));
    const defaults = { cwd: '/', limits: LIMITS, overflow: 'pause', pauseBytes: 300 } as const;
    return parseProcessSpec(message, defaults).retainedBytes;
  };

  it('is less than what is retained by default, unless it does not wait, or asks for more', () => {
    expect(retained({})).toBe(300);
    expect(retained({ overflow: Overflow.DROP_OLDEST })).toBe(500);
    expect(retained({ retainedBytes: 400n })).toBe(400);
  });
});

describe('a spec', () => {
  it('that says as little as it may has every default filled in', () => {
    expect(parse({ argv: ['sh'] })).toEqual({
      argv: ['sh'],
      arg0: 'sh',
      cwd: '/default',
      envPolicy: undefined,
      env: new Map(),
      mergeStderr: false,
      stdin: 'closed',
      retainedBytes: 500,
      overflow: 'drop-oldest',
      retentionMs: 30_000,
      labels: new Map(),
      traceContext: false,
      leftToServer: new Set(['cwd', 'retainedBytes', 'retentionMs']),
    });
  });

  it('that says everything is taken as it is', () => {
    const spec = parse({
      argv: ['sh', '', '-c'],
      arg0: '-sh',
      cwd: '/tmp/../tmp',
      envPolicy: {
        inherit: Inherit.CORE,
        ignoreDefaultExcludes: true,
        exclude: ['A*'],
        set: { B: '1' },
        includeOnly: ['?'],
      },
      env: { C: '=' },
      mergeStderr: true,
      limits: { openFiles: 10n, coreBytes: 0n },
      stdin: StdinMode.PIPE,
      output: { retainedBytes: 1000n, overflow: Overflow.PAUSE },
      retention: durationFromMs(60_000),
      labels: { l: 'v' },
      traceContext: true,
    });
    expect(spec).toEqual({
      argv: ['sh', '', '-c'],
      arg0: '-sh',
      cwd: '/tmp/../tmp',
      envPolicy: {
        inherit: 'core',
        ignoreDefaultExcludes: true,
        exclude: ['A*'],
        set: new Map([['B', '1']]),
        includeOnly: ['?'],
      },
      env: new Map([['C', '=']]),
      stdin: 'pipe',
      mergeStderr: true,
      limits: { openFiles: 10, coreBytes: 0 },
      retainedBytes: 1000,
      overflow: 'pause',
      retentionMs: 60_000,
      labels: new Map([['l', 'v']]),
      traceContext: true,
      leftToServer: new Set(),
    });
  });

  it('tells an empty policy from none', () => {
    expect(parse({ argv: ['sh'], envPolicy: {} }).envPolicy).toEqual({
      inherit: 'all',
      ignoreDefaultExcludes: false,
      exclude: [],
      set: new Map(),
      includeOnly: [],
    });
  });

  it('leaves what overflow means by default to the call', () => {
    expect(parse({ argv: ['sh'] }, 'pause').overflow).toBe('pause');
    const output = { overflow: Overflow.DROP_OLDEST };
    expect(parse({ argv: ['sh'], output }, 'pause').overflow).toBe('drop-oldest');
  });

  it('may ask for no retention at all', () => {
    expect(parse({ argv: ['sh'], retention: durationFromMs(0) }).retentionMs).toBe(0);
  });

  it('must be there', () => {
    const defaults = { cwd: '/', limits: LIMITS, overflow: 'pause' } as const;
    expect(wrongFields(() => parseProcessSpec(undefined, defaults))).toEqual(['spec']);
  });

  it.each<[string, string, SpecInit]>([
    ['spec.argv', 'is empty', { argv: [] }],
    ['spec.argv', 'has an empty program', { argv: [''] }],
    ['spec.argv[0]', 'holds a NUL', { argv: ['s\0h'] }],
    ['spec.argv[2]', 'holds a NUL', { argv: ['sh', '-c', 'a\0'] }],
    ['spec.arg0', 'holds a NUL', { argv: ['sh'], arg0: '\0' }],
    ['spec.cwd', 'is relative', { argv: ['sh'], cwd: 'tmp' }],
    ['spec.cwd', 'begins with a dot', { argv: ['sh'], cwd: './tmp' }],
    ['spec.cwd', 'holds a NUL', { argv: ['sh'], cwd: '/t\0mp' }],
    ['spec.env', 'has an empty name', { argv: ['sh'], env: { '': '1' } }],
    ['spec.env', 'has a name with =', { argv: ['sh'], env: { 'A=B': '1' } }],
    ['spec.env', 'has a name with NUL', { argv: ['sh'], env: { 'A\0': '1' } }],
    ['spec.env', 'has a value with NUL', { argv: ['sh'], env: { A: '1\0' } }],
    ['spec.env', 'has too many variables', { argv: ['sh'], env: manyVariables(4_097) }],
    ['spec.env_policy.set', 'has a name with =', withPolicy({ set: { '=A': '1' } })],
    ['spec.env_policy.set', 'has a value with NUL', withPolicy({ set: { A: '\0' } })],
    ['spec.env_policy.inherit', 'is unknown', withPolicy({ inherit: 9 as Inherit })],
    ['spec.stdin', 'is unknown', { argv: ['sh'], stdin: 9 as StdinMode }],
    ['spec.output.overflow', 'is unknown', withOutput({ overflow: -1 as Overflow })],
    ['spec.output.retained_bytes', 'is too large', withOutput({ retainedBytes: 1001n })],
    [
      'spec.output.retained_bytes',
      'is no exact number',
      withOutput({ retainedBytes: 2n ** 64n - 1n }),
    ],
    ['spec.retention', 'is negative', { argv: ['sh'], retention: durationFromMs(-1) }],
    ['spec.retention', 'is too long', { argv: ['sh'], retention: durationFromMs(60_001) }],
    ['spec.labels', 'has an empty key', { argv: ['sh'], labels: { '': 'v' } }],
  ])('is refused where %s %s', (field, _why, init) => {
    expect(wrongFields(() => parse(init))).toEqual([field]);
  });

  it('is refused without a word of what it holds', () => {
    for (const env of [{ 'hunter2=': 'v' }, { A: 'hunter2\0' }]) {
      expect(() => parse({ argv: ['sh'], env })).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
      );
    }
  });
});

/** A map of strings whose order the test decides. */
const entries = fc.uniqueArray(
  fc.tuple(fc.constantFrom('A', 'B', 'C', '1', '10', '2', 'é'), fc.constantFrom('', 'x', 'y')),
  { selector: ([key]) => key, maxLength: 5 },
);

const words = fc.array(fc.constantFrom('', 'a', 'b', 'ab'), { maxLength: 3 });

/** Few values for each field, so that two specs are often the same but for one. */
const specs = fc.record({
  argv: words,
  arg0: fc.constantFrom('', 'a'),
  cwd: fc.constantFrom('', '/'),
  stdin: fc.constantFrom(...[0, 1, 2].map((n) => n as StdinMode)),
  env: entries,
  labels: entries,
  set: entries,
  policy: fc.option(
    fc.record({
      inherit: fc.constantFrom(...[0, 1, 2, 3].map((n) => n as Inherit)),
      ignoreDefaultExcludes: fc.boolean(),
      exclude: words,
      includeOnly: words,
    }),
    { nil: undefined },
  ),
  output: fc.option(
    fc.record({
      retainedBytes: fc.constantFrom(0n, 1n),
      overflow: fc.constantFrom(...[0, 1, 2].map((n) => n as Overflow)),
    }),
    { nil: undefined },
  ),
  retentionMs: fc.option(fc.constantFrom(0, 1, 1000), { nil: undefined }),
});
type Parts = typeof specs extends fc.Arbitrary<infer T> ? T : never;

/** The message of some parts, its maps in the order given or the other way round. */
function specOf(
  { env, labels, output, policy, retentionMs, set, ...rest }: Parts,
  reversed = false,
) {
  const map = (from: readonly (readonly [string, string])[]): Record<string, string> =>
    Object.fromEntries(reversed ? from.toReversed() : from);
  return create(ProcessSpecSchema, {
    ...rest,
    env: map(env),
    labels: map(labels),
    ...(policy === undefined ? {} : { envPolicy: { ...policy, set: map(set) } }),
    ...(output === undefined ? {} : { output }),
    ...(retentionMs === undefined ? {} : { retention: durationFromMs(retentionMs) }),
  });
}

describe('the fingerprint of a spec', () => {
  it('does not depend on the order of a map', () => {
    fc.assert(
      fc.property(specs, (parts) => {
        expect(specFingerprint(specOf(parts, true))).toBe(specFingerprint(specOf(parts)));
      }),
    );
  });

  it('survives the way over the wire', () => {
    fc.assert(
      fc.property(specs, (parts) => {
        const spec = specOf(parts);
        const arrived = fromBinary(ProcessSpecSchema, toBinary(ProcessSpecSchema, spec));
        expect(specFingerprint(arrived)).toBe(specFingerprint(spec));
      }),
    );
  });

  it('differs for every other difference', () => {
    const changed = specs.chain((first) =>
      fc
        .tuple(specs, fc.constantFrom(...(Object.keys(first) as (keyof Parts)[])))
        .map(([second, field]) => [first, { ...first, [field]: second[field] }] as const),
    );
    fc.assert(
      fc.property(fc.oneof(changed, fc.tuple(specs, specs)), ([a, b]) => {
        const [first, second] = [specOf(a), specOf(b)];
        const same = equals(ProcessSpecSchema, first, second);
        expect(specFingerprint(first) === specFingerprint(second)).toBe(same);
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves the spec as it is', () => {
    const spec = create(ProcessSpecSchema, { argv: ['a'], env: { b: '1', a: '2' } });
    specFingerprint(spec);
    expect(Object.keys(spec.env)).toEqual(['b', 'a']);
  });

  it('tells no spec from an empty one', () => {
    expect(specFingerprint(undefined)).not.toBe(specFingerprint(create(ProcessSpecSchema)));
  });
});

describe('an environment policy that would take long to match', () => {
  it.each([
    [{ exclude: Array.from({ length: 65 }, () => 'a') }, 'spec.env_policy'],
    [{ exclude: ['a'.repeat(1_500)], includeOnly: ['b'.repeat(600)] }, 'spec.env_policy'],
    [{ set: { ['a'.repeat(20_000)]: '1' } }, 'spec.env_policy.set'],
  ])('is refused', (policy, field) => {
    expect(wrongFields(() => parse(withPolicy(policy)))).toEqual([field]);
  });
});
