import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SHARED } from './vitest.shared.ts';

/** What another version of Node.js does not change: logic alone, and tools of this project. */
const INDEPENDENT = [
  '**/*.property.test.ts',
  'bench/**',
  'cli/{completion,detach-keys,docs,find-process,heap-growth}.test.ts',
  'client/{backoff,names,pacer}.test.ts',
  'conformance/catalog.test.ts',
  'docs/**',
  'environment/**',
  'gate/**',
  'interop/**',
  'load/**',
  'mcp/{line-splitter,options}.test.ts',
  'output/{block-memory,block-queue,dropped-index}.test.ts',
  'server/request-spec.test.ts',
];

/**
 * What takes long, and tells nothing of Node.js that the others do not: the same calls many
 * times over, and each flag and example of the command line once more.
 */
const LONG = [
  'acceptance/cli-{failures,manage,start,state}.test.ts',
  'acceptance/{leaks,lossless,many-sessions,memory,version-skew}.test.ts',
  'client/{leaks,slow-readers}.test.ts',
  'cli/examples.test.ts',
  'conformance/{cli,mutants-of-*}.test.ts',
  'mcp/servers.test.ts',
  'process/program-lookup.test.ts',
];

// The tests that are run again with other lines of Node.js, by `scripts/test-node-line.sh`.
export default defineConfig({
  test: {
    ...SHARED,
    include: ['test/**/*.test.ts'],
    exclude: [...INDEPENDENT, ...LONG].map((name) => `test/${name}`),
    // Much of the time is waiting, for processes and for clocks of theirs.
    maxWorkers: 2 * availableParallelism(),
  },
});
