import type { Check, Outcome } from '../check.ts';
import { MEND_NATIVE, MEND_PROC } from '../remedies.ts';
import { FALLBACK } from './native-module.ts';

/** What is known of how processes are started. */
export interface LauncherFacts {
  readonly name: string;
  /** What it can do, for people. */
  readonly abilities: readonly string[];
  /** Why it is not the best; undefined: it is. */
  readonly whyNotBest: string | undefined;
  readonly isSupported: boolean;
  readonly hasNative: boolean;
  readonly hasProc: boolean;
}

type Problem = 'library' | 'native' | 'platform' | 'proc';

/** Whether processes are started in the best way that there is. */
export function judgeLauncher(facts: LauncherFacts): Outcome<Problem> {
  const { abilities, hasNative, hasProc, isSupported, name, whyNotBest } = facts;
  if (whyNotBest === undefined) {
    return { detail: abilities.length === 0 ? name : `${name}, with ${abilities.join(', ')}` };
  }
  const detail = `${name}, since there is no posix_spawn: ${whyNotBest}`;
  if (!isSupported) return { detail, problem: 'platform' };
  if (!hasNative) return { detail, problem: 'native' };
  return { detail, problem: hasProc ? 'library' : 'proc' };
}

export const launcher: Check<Problem> = {
  name: 'launcher',
  about: 'how processes are started',
  required: false,
  problems: {
    platform: { consequence: FALLBACK, remedy: 'Run the server on Linux on x64 or arm64.' },
    native: { consequence: FALLBACK, remedy: MEND_NATIVE },
    proc: { consequence: FALLBACK, remedy: MEND_PROC },
    library: {
      consequence: FALLBACK,
      remedy:
        'Use a C library that has `posix_spawn_file_actions_addchdir_np`: glibc 2.29 or musl 1.1.24, or later.',
    },
  },
  look({ arch, launcher: { bytes, limits, mergesStderr, name, sandboxes, terminals }, ...all }) {
    const abilities = {
      terminals,
      limits,
      'merged standard error': mergesStderr,
      'bytes that are not UTF-8': bytes,
      sandboxes,
    };
    return judgeLauncher({
      name,
      abilities: Object.entries(abilities).flatMap(([what, has]) => (has === true ? [what] : [])),
      whyNotBest: all.whyNotBest,
      isSupported: all.platform === 'linux' && ['x64', 'arm64'].includes(arch),
      hasNative: 'libc' in all.native,
      hasProc: all.read('/proc/self/status') !== undefined,
    });
  },
};
