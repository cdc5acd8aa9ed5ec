import { RunletError } from '../../errors.ts';
import { mountAt, parseMounts } from '../../machine/mounts.ts';
import type { ReadText } from '../../machine/read-text.ts';
import type { Libc } from '../../process/native/libc.ts';
import { PseudoTerminal } from '../../process/native/pseudo-terminal.ts';
import type { Check, Outcome } from '../check.ts';
import { MEND_NATIVE } from '../remedies.ts';

const NONE =
  'A start with `terminal` fails with `START_FAILED`, stage `START_STAGE_TERMINAL`; so does `runlet run -t`.';

type Problem = 'denied' | 'full' | 'launcher' | 'native' | 'unmounted';

/** What is known of terminals. */
export interface TerminalFacts {
  /** What one is called that was opened, or the name of the error with which it could not be. */
  readonly opened: { readonly path: string } | { readonly errnoName: string };
  /** Whether devpts is mounted at `/dev/pts`; undefined: it is not told. */
  readonly isMounted: boolean | undefined;
  /** How many there are, and may be; undefined: it is not told. */
  readonly count: string | undefined;
  readonly most: string | undefined;
}

/** What it takes for a terminal to be opened that cannot be. */
const NO_MORE: ReadonlySet<string> = new Set(['ENOSPC', 'ENOMEM']);

/** Whether processes can have terminals. */
export function judgeTerminals({
  count,
  isMounted,
  most,
  opened,
}: TerminalFacts): Outcome<Problem> {
  const used = count === undefined || most === undefined ? '' : `; ${count} of ${most} are in use`;
  if ('path' in opened) return { detail: `${opened.path} was opened${used}` };
  const detail = `a terminal could not be opened: ${opened.errnoName}${used}`;
  if (isMounted === false) {
    return { detail: `${detail}; devpts is not mounted at /dev/pts`, problem: 'unmounted' };
  }
  return { detail, problem: NO_MORE.has(opened.errnoName) ? 'full' : 'denied' };
}

export const terminals: Check<Problem> = {
  name: 'terminals',
  about: 'whether processes can have terminals: one is opened',
  required: false,
  elsewhere: 'native',
  problems: {
    native: { consequence: NONE, remedy: MEND_NATIVE },
    launcher: { consequence: NONE, remedy: 'Mend `launcher` first.' },
    unmounted: {
      consequence: NONE,
      remedy:
        'Mount them: `mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts`, with `/dev/ptmx` as a link to `pts/ptmx`.',
    },
    full: {
      consequence: NONE,
      remedy:
        'Allow more of them: `sysctl -w kernel.pty.max=65536`, or the option `max=` of devpts.',
    },
    denied: {
      consequence: NONE,
      remedy:
        'Let the user of the server open `/dev/ptmx` and what is in `/dev/pts`: `chmod 666 /dev/ptmx /dev/pts/ptmx`, and `PrivateDevices=` and `DevicePolicy=` of a unit, or the devices of a container.',
    },
  },
  look({ native, read, whyNotBest }) {
    if (!('libc' in native)) return { detail: 'it could not be tried', problem: 'native' };
    if (whyNotBest !== undefined) {
      return { detail: 'the launcher that is there gives none', problem: 'launcher' };
    }
    const isMounted = isDevptsMounted(read);
    const opened = openOne(native.libc);
    const setting = (name: string): string | undefined =>
      read(`/proc/sys/kernel/pty/${name}`)?.trim();
    return judgeTerminals({ opened, isMounted, count: setting('nr'), most: setting('max') });
  },
};

function openOne(libc: Libc): TerminalFacts['opened'] {
  try {
    const terminal = new PseudoTerminal(libc, { columns: 80, rows: 24 });
    terminal.output.destroy();
    return { path: terminal.path };
  } catch (error) {
    const failure = error instanceof RunletError ? error.details.startFailure : undefined;
    if (failure === undefined) throw error;
    return { errnoName: failure.errnoName };
  }
}

function isDevptsMounted(read: ReadText): boolean | undefined {
  const mounts = read('/proc/self/mountinfo');
  if (mounts === undefined) return undefined;
  return mountAt(parseMounts(mounts), '/dev/pts')?.type === 'devpts';
}
