import { describeMachine } from '../../bench/lib/machine.mjs';
import type { LoadReport } from '../../load/lib/report.mjs';
import type { ScenarioResult } from '../../load/lib/scenario.mjs';

const HELD = { descriptors: 22, children: 0, zombies: 0, residentMib: 80 };

/** A scenario that went well, but for what is given. */
export function scenario(differing: Partial<ScenarioResult> = {}): ScenarioResult {
  return {
    name: 'ghz-unary',
    tool: 'ghz',
    summary: 'calls',
    latencyOf: 'a call',
    calls: 10,
    expected: 10,
    seconds: 2,
    errors: [],
    latency: { p50: 1, p90: 2, p95: 3, p99: 4, max: 50 },
    figures: {},
    server: 0,
    from: 0,
    to: 2,
    cpuSeconds: 1,
    peakMib: 90,
    ...differing,
  };
}

/** A run that went well, but for what is given. */
export function report(differing: Partial<LoadReport> = {}): LoadReport {
  return {
    size: 'smoke',
    machine: describeMachine(),
    seconds: 3,
    tools: [{ name: 'ghz', version: 'v0.121.0' }],
    missing: [],
    failures: [],
    scenarios: [scenario()],
    servers: [
      {
        flags: [],
        samples: [
          { seconds: 0.25, cpu: 0.5, residentMib: 80, descriptors: 22 },
          { seconds: 0.5, cpu: 0.7, residentMib: 90, descriptors: 30 },
        ],
        back: {
          before: HELD,
          uncollectedMib: 100,
          after: HELD,
          toleranceMib: 96,
          seconds: 0.5,
          faults: [],
        },
      },
    ],
    ...differing,
  };
}
