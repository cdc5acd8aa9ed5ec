import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import { USAGE_LOOK_MS, USAGE_LOOKED_IN_A_TURN, USAGE_PART } from '../../limits.ts';
import type { MachineUnits } from '../../process/machine-units.ts';
import type { Process } from '../../process/process.ts';
import type { ProcessScan } from '../../process/process-scan.ts';
import { type TreeUsage, usageIn } from '../../process/tree-usage.ts';
import { exitCpuMs } from './figures.ts';
import { Pace } from './pace.ts';

/** What a process and all that came of it use; its processor time never gets less. */
export type Usage = TreeUsage;

/** How processes are looked at. */
export interface UsageLooksOptions {
  readonly clock: Clock;
  readonly units: MachineUnits;
  /** Looks at all processes of the machine; undefined: it does not tell of them. */
  readonly scan: () => Promise<ProcessScan | undefined>;
  /** Those of the server. */
  readonly processes: () => Iterable<Process>;
}

/** Looks at what processes use, at all of them at once, as often as that may cost something. */
export class UsageLooks {
  readonly #options: UsageLooksOptions;
  readonly #pace: Pace;
  readonly #known = new WeakMap<Process, Usage>();
  #time: number | undefined;

  constructor(options: UsageLooksOptions) {
    const { clock } = options;
    this.#options = options;
    this.#pace = new Pace({ clock, everyMs: USAGE_LOOK_MS, part: USAGE_PART });
  }

  /** When that was done last, on the monotonic clock; undefined: the system does not tell. */
  get time(): number | undefined {
    return this.#time;
  }

  /** What a process used then; undefined: it is not known. */
  of(process: Process): Usage | undefined {
    return this.#known.get(process);
  }

  /** Looks, if it is time. One call at a time. */
  async look(): Promise<void> {
    if (!this.#pace.isDue) return;
    const { clock, processes, scan, units } = this.#options;
    const found = await scan();
    this.#time = found && clock.monotonic();
    let spentMs = found?.spentMs ?? 0;
    let began = clock.monotonic();
    let inTurn = 0;
    for (const process of found === undefined ? [] : processes()) {
      if (inTurn === USAGE_LOOKED_IN_A_TURN) {
        spentMs += clock.monotonic() - began;
        await nextTurn();
        began = clock.monotonic();
        inTurn = 0;
      }
      inTurn += 1;
      const { phase } = process.record;
      if (found === undefined || phase.state === 'closed') continue;
      const before = this.#known.get(process);
      const usage = usageIn(found, process.tree, units);
      // What ended and nobody waited for is told of no more.
      const cpuMs = Math.max(before?.cpuMs ?? 0, usage.cpuMs + (exitCpuMs(phase) ?? 0));
      this.#known.set(process, { ...usage, cpuMs });
    }
    this.#pace.done(spentMs + clock.monotonic() - began);
  }
}
