import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SHARED } from './vitest.shared.ts';

/**
 * What another version of Node.js may change: HTTP/2, streams, descriptors, terminals, signals,
 * timers, native calls, how modules are loaded. Not logic alone, and of what does the same many
 * times over, no more than a part.
 */
const DEPENDENT = [
  'node-line',
  'private-folder',
  'acceptance/{cli,cli-attach,cli-exposure,descriptors,ends,environment,frozen-peer}',
  'acceptance/{interact,interact-shell,late-output,launchers,pause,process,reading,reconnect}',
  'acceptance/{resource-limits,run,scopes,secrets,shutdown,start-failures,stdin,stdin-stream}',
  'acceptance/{terminal,termination,timeouts,trees}',
  'bridge/*',
  'cli/{compile-cache,log-sink}',
  'client/{await-using,faults,gateway,output-feed,output-readable,process,recovery,session-lost,tls}',
  'mcp/{servers,shutdown,transport}',
  'process/**/*',
  'server/*',
];

// The tests that are run again with other lines of Node.js, by `scripts/test-node-line.sh`.
export default defineConfig({
  test: {
    ...SHARED,
    include: DEPENDENT.map((name) => `test/${name}.test.ts`),
    // Much of the time is waiting, for processes and for clocks of theirs.
    maxWorkers: 2 * availableParallelism(),
  },
});
