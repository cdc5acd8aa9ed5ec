import { whyNoMarks } from '../../process/native/kin-marks.ts';
import type { Check } from '../check.ts';
import { allowCalls, MEND_NATIVE } from '../remedies.ts';
import { NOT_FOUND } from './subreaper.ts';

const NONE = `${NOT_FOUND} Processes have no limits and no sandboxes, and what a killed server leaves is not ended.`;

type Problem = 'launcher' | 'limit' | 'native' | 'nested' | 'refused' | 'subreaper';

export const processMarks: Check<Problem> = {
  name: 'process-marks',
  about: 'whether processes can be marked, so that what comes of them is known, by `RLIMIT_RTTIME`',
  required: false,
  elsewhere: 'native',
  problems: {
    native: { consequence: NONE, remedy: MEND_NATIVE },
    launcher: { consequence: NONE, remedy: 'Mend `launcher` first.' },
    subreaper: { consequence: NONE, remedy: 'Mend `subreaper` first.' },
    limit: {
      consequence: NONE,
      remedy:
        'Start the server without a hard limit of `RLIMIT_RTTIME`: `LimitRTTIME=infinity` in a unit, `prlimit --rttime=unlimited:unlimited` before the command as root, `--ulimit rttime=-1` for a container.',
    },
    nested: {
      consequence: NONE,
      remedy: 'Start the server elsewhere: here it is within three other servers of runlet.',
    },
    refused: { consequence: NONE, remedy: allowCalls('prlimit64(2)', 'Linux 2.6.36') },
  },
  look({ launcher, native, whyNotBest }) {
    if (launcher.marking !== undefined) return { detail: 'what comes of a process has its mark' };
    if (!('libc' in native)) return { detail: 'it could not be tried', problem: 'native' };
    if (whyNotBest !== undefined) {
      return { detail: `${launcher.name} marks nothing`, problem: 'launcher' };
    }
    const why = whyNoMarks(native.libc);
    return { detail: DETAILS[why ?? 'subreaper'], problem: why ?? 'subreaper' };
  },
};

const DETAILS = {
  limit: 'the hard limit of RLIMIT_RTTIME is lower than marks are',
  nested: 'this program runs within three servers of runlet',
  refused: 'limits of processes cannot be read or set',
  subreaper: 'orphans do not become children of the server',
} as const;
