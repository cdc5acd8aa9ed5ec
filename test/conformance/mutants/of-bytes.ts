import { onProcesses, onStarts } from './hooks.ts';
import type { Mutant } from './mutant.ts';

/** What is not UTF-8. */
export const ofBytes: readonly Mutant[] = [
  {
    fault: '`raw_argv` is taken for UTF-8',
    fails: ['BYTES-01', 'BYTES-03', 'BYTES-04'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        if (spec.argv.length > 0) return;
        spec.argv = spec.rawArgv.map((part) => Buffer.from(part).toString());
        spec.rawArgv = [];
      }),
  },
  {
    fault: '`raw_env` is ignored',
    fails: ['BYTES-02', 'BYTES-05'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        spec.rawEnv = [];
      }),
  },
  {
    fault: '`raw_cwd` is ignored',
    fails: ['BYTES-03', 'BYTES-05'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        spec.rawCwd = new Uint8Array();
      }),
  },
  {
    fault: 'a command line is told as text alone',
    fails: ['BYTES-04'],
    mutate: (real) =>
      onProcesses(real, (process) => {
        process.rawArgv = [];
      }),
  },
  {
    fault: 'of a field and its twin of bytes the text counts',
    fails: ['BYTES-05'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        if (spec.argv.length > 0) spec.rawArgv = [];
        if (spec.arg0 !== '') spec.rawArg0 = new Uint8Array();
        if (spec.cwd !== '') spec.rawCwd = new Uint8Array();
        spec.rawEnv = spec.rawEnv.filter(
          ({ name }) => !Object.hasOwn(spec.env, Buffer.from(name).toString()),
        );
      }),
  },
];
