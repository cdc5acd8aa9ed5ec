import { constants } from 'node:os';
import type { Clock } from '../clock.ts';
import { MAX_PLACE_CHECKS, PLACE_CHECK_MS } from '../limits.ts';
import type { LaunchedProcess, Launcher } from './launcher.ts';
import { signalProcess } from './signals.ts';
import { startFailure } from './start-failure.ts';

/** What a start looks at in the file system. */
export interface StartPlace {
  readonly cwd: string;
  /** As it was asked for. */
  readonly program: string;
  /** Where that is looked for, in their order, if it has no slash. */
  readonly folders: readonly string[];
}

/** Looks at what a start looks at, and opens the program, which a cache may not answer. */
const SCRIPT = `
cd -P -- "$1"
program=$2
shift 2
case $program in */*) set -- "$program"; program= ;; esac
for place do
  file=\${place:-.}\${program:+/$program}
  if [ -f "$file" ] && [ -x "$file" ]; then
    true < "$file"
    break
  fi
done
`;

/**
 * Finds out whether file systems answer, without waiting for one that does not with a thread of
 * this process, which would be lost to it and could keep it from ending: a shell looks, and is
 * killed if it takes too long. What cannot be killed stays until it is answered, and whoever
 * asks for the same place is refused until then.
 */
export class PlaceChecks {
  readonly #launcher: Launcher;
  readonly #clock: Clock;
  /** Those under way, those that could not be killed included, by what they look at. */
  readonly #looks = new Map<string, Look>();

  constructor(launcher: Launcher, clock: Clock) {
    this.#launcher = launcher;
    this.#clock = clock;
  }

  /**
   * Resolves when all that a start looks at answers, whatever that is.
   *
   * @throws RunletError `START_FAILED` if it does not
   */
  async answer(place: StartPlace): Promise<void> {
    const key = [place.cwd, place.program, ...place.folders].join('\0');
    let look = this.#looks.get(key);
    if (look === undefined) {
      if (this.#looks.size >= MAX_PLACE_CHECKS) throw notAnswering();
      look = this.#begin(place, () => this.#looks.delete(key));
      this.#looks.set(key, look);
    }
    if (!(await look.answered)) throw notAnswering();
  }

  #begin(place: StartPlace, onOver: () => void): Look {
    let launched: LaunchedProcess | undefined;
    let late = false;
    const kill = (): void => {
      if (launched === undefined || launched.reaped()) return;
      signalProcess(launched.pid, constants.signals.SIGKILL);
    };
    const run = async (): Promise<boolean> => {
      launched = await this.#launch(place);
      if (late) kill();
      for (const stream of Object.values(launched.output)) stream.resume();
      await launched.exited;
      for (const stream of Object.values(launched.output)) stream.destroy();
      launched.kin?.release();
      return !late;
    };
    const answered = new Promise<boolean>((resolve) => {
      const timer = this.#clock.setTimer(PLACE_CHECK_MS, () => {
        late = true;
        resolve(false);
        kill();
      });
      const over = (answers: boolean): void => {
        timer.cancel();
        onOver();
        resolve(answers);
      };
      // Where there is no shell it cannot be told, and a thread must not be risked.
      run().then(over, () => over(false));
    });
    return { answered };
  }

  #launch({ cwd, folders, program }: StartPlace): Promise<LaunchedProcess> {
    return this.#launcher.launch({
      program: '/bin/sh',
      arg0: 'sh',
      args: ['-c', SCRIPT, 'sh', cwd, program, ...folders],
      cwd: '/',
      env: new Map(),
      stdin: 'closed',
      mergeStderr: this.#launcher.mergesStderr,
      terminal: undefined,
      limits: undefined,
    });
  }
}

interface Look {
  readonly answered: Promise<boolean>;
}

function notAnswering(): Error {
  return startFailure(
    'SPAWN',
    'ETIMEDOUT',
    'the file system of the program or of the working directory does not answer: ETIMEDOUT',
  );
}
