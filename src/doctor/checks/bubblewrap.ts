import { SANDBOX_CHECK_MS } from '../../limits.ts';
import type { SandboxesFound } from '../../sandbox/sandboxes.ts';
import type { Check, Outcome } from '../check.ts';

/** What is not done without sandboxes. */
export const REFUSED =
  'Every process and file for which a sandbox is asked is refused with `SANDBOX_UNAVAILABLE`, and `--require-sandbox` refuses all of them.';

type Problem = 'find' | 'launcher' | 'owner' | 'setuid' | 'temporary' | 'version';

/** The step at which the look for bwrap(1) ended, by the name of a probe; see `Sandboxes.facts`. */
const MECHANISM = 'mechanism';

/** Whether there is a bwrap(1) that sandboxes can be made with. */
export function judgeBubblewrap(
  found: SandboxesFound | undefined,
  canLaunch: boolean,
): Outcome<Problem> {
  if (found === undefined) return { detail: 'it cannot be tried', problem: 'temporary' };
  const { probes, problems, program, version } = found;
  const missing = probes.find(({ name }) => name === MECHANISM);
  if (missing === undefined)
    return { detail: version === '' ? program : `${program}, version ${version}` };
  const detail = problems[MECHANISM] ?? missing.step;
  if (!canLaunch) return { detail, problem: 'launcher' };
  return { detail, problem: isStep(missing.step) ? missing.step : 'find' };
}

function isStep(step: string): step is 'owner' | 'setuid' | 'version' {
  return ['owner', 'setuid', 'version'].includes(step);
}

export const bubblewrap: Check<Problem> = {
  name: 'bubblewrap',
  about: 'bwrap(1), by which sandboxes are made: in `/usr/bin`, `/bin` or `/usr/local/bin`',
  required: false,
  elsewhere: 'launcher',
  boundMs: SANDBOX_CHECK_MS,
  problems: {
    launcher: {
      consequence: REFUSED,
      remedy: 'Mend `launcher`, `process-marks` and `proc` first, whichever is named here.',
    },
    temporary: { consequence: REFUSED, remedy: 'Mend `temporary-folder` first.' },
    find: {
      consequence: REFUSED,
      remedy:
        'Install bubblewrap 0.10 or later: `apt-get install bubblewrap`, `dnf install bubblewrap`, `apk add bubblewrap`.',
    },
    owner: {
      consequence: REFUSED,
      remedy:
        'Have root alone be able to change it and the folders that it is in: `chown root`, `chmod go-w`.',
    },
    setuid: {
      consequence: REFUSED,
      remedy:
        'Take the bit away, and let users make user namespaces: `chmod u-s /usr/bin/bwrap`, `sysctl -w user.max_user_namespaces=15000`. Or serve as root.',
    },
    version: {
      consequence: REFUSED,
      remedy: 'Install bubblewrap 0.10 or later, or the 0.8 of Debian 12, which can do as much.',
    },
  },
  look: async ({ launcher, sandboxes }) =>
    judgeBubblewrap(await sandboxes(), launcher.sandboxes === true),
};
