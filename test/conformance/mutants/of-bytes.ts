import { onProcesses, onStarts } from './hooks.ts';
import type { Mutant } from './mutant.ts';

/** What is not UTF-8. */
export const ofBytes: readonly Mutant[] = [
  {
    fault: '`argv_bytes` is taken for UTF-8',
    fails: ['BYTES-01', 'BYTES-03', 'BYTES-04'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        if (spec.argv.length > 0) return;
        spec.argv = spec.argvBytes.map((part) => Buffer.from(part).toString());
        spec.argvBytes = [];
      }),
  },
  {
    fault: '`env_bytes` is ignored',
    fails: ['BYTES-02', 'BYTES-05'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        spec.envBytes = [];
      }),
  },
  {
    fault: '`cwd_bytes` is ignored',
    fails: ['BYTES-03', 'BYTES-05'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        spec.cwdBytes = new Uint8Array();
      }),
  },
  {
    fault: 'a command line is told as text alone',
    fails: ['BYTES-04'],
    mutate: (real) =>
      onProcesses(real, (process) => {
        process.argvBytes = [];
      }),
  },
  {
    fault: 'of a field and its twin of bytes the text counts',
    fails: ['BYTES-05'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        if (spec.argv.length > 0) spec.argvBytes = [];
        if (spec.arg0 !== '') spec.arg0Bytes = new Uint8Array();
        if (spec.cwd !== '') spec.cwdBytes = new Uint8Array();
        spec.envBytes = spec.envBytes.filter(
          ({ name }) => !Object.hasOwn(spec.env, Buffer.from(name).toString()),
        );
      }),
  },
];
