import { BUILT_MODULES, builtSources } from './scripts/gate/built-sources.mjs';
import { SlowestFirst } from './scripts/gate/slowest-first.mjs';
import { TestReport } from './scripts/gate/test-report.mjs';
import { TestTimes } from './scripts/gate/test-times.mjs';

/** What all configurations of tests have in common. */
export const SHARED = {
  // How long a test may take, in milliseconds. Tests wait for what happens and never for time
  // to pass: a bound is for a test that hangs, on a machine that is busy with much else.
  testTimeout: 300_000,
  hookTimeout: 300_000,
  expect: { poll: { timeout: 120_000 } },
  sequence: { sequencer: SlowestFirst },
  reporters: ['default', new TestTimes(), new TestReport()],
  server: { deps: { external: [BUILT_MODULES] } },
};

/** What vitest does with modules, in all configurations. */
export const PLUGINS = builtSources();

/**
 * Tests that take more than half of the processor time of all: they do something some thousand
 * times, or move many megabytes, to see that nothing is lost, left behind, or costs more than
 * before; they start the command line a hundred times; they wait for what hangs; or they run other
 * suites.
 */
export const LONG = [
  ...[
    'attach-many',
    'cli',
    'cli-attach',
    'cli-cp',
    'cli-doctor',
    'cli-doctor-lacking',
    'cli-doctor-sandboxes',
    'cli-files',
    'cli-identity',
    'cli-leftovers',
    'cli-logs',
    'cli-manage',
    'cli-run',
    'cli-sandbox',
    'cli-started-with',
    'cli-state',
    'cli-typed',
    'draining',
    'egress-http',
    'egress-tunnels',
    'exhaustion',
    'files-cuts',
    'files-descriptors',
    'files-load',
    'files-replace',
    'files-escapes',
    'files-sandbox-escapes',
    'files-sandbox-swaps',
    'files-remove',
    'files-trees',
    'floods',
    'floods-bodies',
    'files-listing',
    'floods-tls',
    'http-cancels',
    'http-large',
    'hung-mount',
    'leaks',
    'lossless',
    'many-sessions',
    'memory',
    'pause',
    'principal-fairness',
    'principal-limits',
    'readiness',
    'sandbox-acts',
    'spool',
    'spool-faults',
    'systemd-notices',
    'systemd-refusals',
    'systemd-sockets',
    'tls-rotation',
    'tls-serve',
    'tunnels',
    'tunnels-bounds',
  ].map((name) => `test/acceptance/${name}.test.ts`),
  ...[
    'acknowledging',
    'faults',
    'files-breaks',
    'files-cuts',
    'files-transfer',
    'leaks',
    'many-tunnels',
    'slow-readers',
  ].map((name) => `test/client/${name}.test.ts`),
  'test/audit/{full-disk,rotation}.test.ts',
  'test/bench/files.test.ts',
  'test/cli/{completion,docs,examples,fetch,forward*,logger,ports}.test.ts',
  'test/client/network/{agents,connect,fetch,leaks}.test.ts',
  'test/cli/messages/messages.test.ts',
  'test/conformance/{cli,conformance,mutants-*}.test.ts',
  'test/deploy/systemd.test.ts',
  'test/docs/{runbook-page,walks}.test.ts',
  'test/examples/examples.test.ts',
  'test/files/watch-{model,order}.property.test.ts',
  'test/files/{fenced-writes,odd-names,places,remove}.test.ts',
  'test/files/workers/file-workers.test.ts',
  'test/files/tar.test.ts',
  'test/fuzz/fuzz.test.ts',
  'test/gate/gate.test.ts',
  'test/identity/{credentials-matrix,jwt-key-file,jwt-key-url,jwt-remembering,told-apart}.test.ts',
  'test/identity/tokens/mutations.test.ts',
  'test/mcp/{http,servers,shutdown,transport}.test.ts',
  'test/network/direct-dialer.test.ts',
  'test/network/http/{http2,limits}.test.ts',
  'test/network/tunnels/namespaces.test.ts',
  'test/output/**/*.property.test.ts',
  'test/output/many-readers.test.ts',
  'test/process/native/sandboxed-leaks.test.ts',
  'test/observability/{conformance,prometheus}.test.ts',
  'test/policy/reload.test.ts',
  'test/sandbox/random-policies.property.test.ts',
  'test/server/dead-session.test.ts',
  'test/telemetry/{trace-collectors,tracing}.test.ts',
];
