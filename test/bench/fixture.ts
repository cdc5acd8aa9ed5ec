import type { StoredResult } from '../../bench/lib/part.mjs';
import type { Row, Target } from '../../bench/lib/row.mjs';
import { makeRow } from '../../bench/lib/row.mjs';

/** What a part might have found out. */
export function result(changes: Partial<StoredResult> = {}): StoredResult {
  return {
    part: 'example',
    machine: {
      time: '2026-01-02T03:04:05.678Z',
      runlet: '1.2.3',
      packages: {},
      node: 'v20.1.2',
      kernel: 'Linux 6.1.0 x64',
      libc: 'glibc 2.36',
      cpu: 'a processor',
      cores: 2,
      memoryMib: 4096,
      load: 0.5,
    },
    seconds: 12.6,
    contenders: [
      { name: 'runlet', about: 'the server' },
      { name: 'bound', about: 'a C program' },
    ],
    rows: [latency()],
    ...changes,
  };
}

/** A row in which runlet takes twice as long as its bound, in the median of three rounds. */
export function latency(target?: Target): Row {
  return makeRow(
    { id: 'latency', measure: 'latency', unit: 'ms' },
    [
      {
        contender: 'runlet',
        rounds: [2, 1.5, 3],
        p99: [4, 3, 5],
        usage: { cpuSeconds: 0.5, peakMib: 64 },
      },
      { contender: 'bound', rounds: [1, 1, 1], p99: [1.5, 1.5, 1.5] },
    ],
    'runlet',
    { bound: target, absent: undefined },
  );
}
