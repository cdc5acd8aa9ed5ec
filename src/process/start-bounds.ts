import type { Clock } from '../clock.ts';
import { limitExceeded } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { PrincipalLimits } from '../policy/principal-limits.ts';
import { StartRates } from '../policy/start-rates.ts';
import { Tally } from '../policy/tally.ts';
import { descriptionBytes } from './process-record.ts';

/** What has a command line and labels: a spec, or what is kept of it. */
type Described = Parameters<typeof descriptionBytes>[0];

/** Counts the processes that there are and that are being started, and bounds them. */
export class StartBounds {
  readonly #limits: Limits;
  readonly #principals: PrincipalLimits;
  readonly #rates: StartRates;
  readonly #processes = new Tally();
  #count = 0;
  /** What their command lines and labels take. */
  #descriptionBytes = 0;

  constructor(limits: Limits, principals: PrincipalLimits, clock: Clock) {
    this.#limits = limits;
    this.#principals = principals;
    this.#rates = new StartRates(clock, principals);
  }

  /** How many processes there are. */
  get count(): number {
    return this.#count;
  }

  /** How many principals have some. */
  get principals(): number {
    return this.#processes.size;
  }

  /**
   * Counts one that is to be started, until it is {@link leave given back}.
   *
   * @throws RunletError `LIMIT_EXCEEDED`; nothing is counted then
   */
  enter(principal: string, described: Described): void {
    const { maxDescriptionBytes, maxProcesses } = this.#limits;
    if (this.#count >= maxProcesses) throw limitExceeded('max_processes', maxProcesses);
    const { maxPrincipalProcesses } = this.#principals.of(principal);
    if (this.#processes.of(principal) >= maxPrincipalProcesses) {
      throw limitExceeded('max_principal_processes', maxPrincipalProcesses);
    }
    const bytes = descriptionBytes(described);
    if (this.#descriptionBytes + bytes > maxDescriptionBytes) {
      throw limitExceeded('max_description_bytes', maxDescriptionBytes);
    }
    this.#rates.take(principal);
    this.#count += 1;
    this.#descriptionBytes += bytes;
    this.#processes.add(principal, 1);
  }

  /** It is forgotten, or was not started. */
  leave(principal: string, described: Described): void {
    this.#count -= 1;
    this.#descriptionBytes -= descriptionBytes(described);
    this.#processes.remove(principal, 1);
  }
}
