import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { PLUGINS, SHARED } from './vitest.shared.ts';

/**
 * What another version of Node.js may change: HTTP/2, streams, descriptors, terminals, signals,
 * timers, native calls, how modules are loaded. Not logic alone, and of what does the same many
 * times over, no more than a part.
 */
const DEPENDENT = [
  'node-line',
  'acceptance/{cli,cli-exposure,descriptors,ends,frozen-peer,interact,interact-shell,late-output}',
  'acceptance/{launchers,process,reading,reconnect,run,serve-config,shutdown,start-failures,stdin}',
  'acceptance/{systemd-notices,systemd-sockets,terminal,termination,timeouts,trees}',
  'bridge/*',
  'bundled/*',
  'cli/log-sink',
  'client/{await-using,faults,output-feed,output-readable,process,recovery,tls}',
  'mcp/transport',
  'process/{process-tree,stdin-pipe*}',
  'process/native/*',
  'server/{listener,requests,tls,tls-clients,tls-sessions}',
];

// The tests that are run again with other lines of Node.js, by `scripts/test-node-line.sh`.
export default defineConfig({
  plugins: PLUGINS,
  test: {
    ...SHARED,
    include: DEPENDENT.map((name) => `test/${name}.test.ts`),
    // Much of the time is waiting, for processes and for clocks of theirs.
    maxWorkers: 2 * availableParallelism(),
  },
});
