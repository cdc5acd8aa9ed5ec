import { limitExceeded } from '../errors.ts';
import { MAX_PRINCIPAL_LOOKUPS } from '../limits.ts';
import { type Asker, TurnQueue } from '../turn-queue.ts';
import type { Lookup } from './lookup.ts';

/** How a {@link Resolver} works. */
export interface ResolverOptions {
  readonly lookup: Lookup;
  /** Lookups under way, 1 or more: as many as the system does at one time. */
  readonly maxUnderWay: number;
  /** Of these, those of one principal, 1 or more: where its names hang others have room left. */
  readonly maxOfPrincipal: number;
  /** Those who wait of one principal. Default: {@link MAX_PRINCIPAL_LOOKUPS}. */
  readonly maxWaiting?: number;
}

interface Question {
  readonly who: Asker;
  readonly name: string;
  readonly principal: Principal;
  /** Whether it waits among those of its principal, not yet among those of all. */
  isBehind: boolean;
  /** Tells who asked. Undefined: it has given up. */
  answer: ((addresses: Promise<readonly string[]>) => void) | undefined;
}

/** What a principal has asked for. */
interface Principal {
  /** Questions under way, or next among those of all: as many as it may have under way. */
  active: number;
  /** Questions for whose answer somebody waits. */
  awaited: number;
  /** Questions that wait until it may have more, and how many of them were given up. */
  behind: TurnQueue<Question>;
  givenUp: number;
}

/** So many that were given up are not worth the effort to take them out. */
const FEW = 32;

/**
 * Looks names up in turn: principals each at a time, and of one those who ask.
 *
 * The system looks a name up on a thread, for as long as that takes: nothing cancels it. Who
 * asked is freed at once, and what hangs holds its place alone.
 */
export class Resolver {
  readonly #options: Required<ResolverOptions>;
  readonly #principals = new Map<string, Principal>();
  /** Of each principal no more than it may have under way. */
  readonly #next = new TurnQueue<Question>();
  #underWay = 0;

  constructor(options: ResolverOptions) {
    this.#options = { maxWaiting: MAX_PRINCIPAL_LOOKUPS, ...options };
  }

  /** Lookups under way, those included whose answer nobody waits for. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Principals of which something is under way or waits. */
  get principals(): number {
    return this.#principals.size;
  }

  /**
   * The addresses of a name.
   *
   * @throws whatever the lookup does; the signal's reason; RunletError `LIMIT_EXCEEDED` where too
   *   many of a principal wait
   */
  async resolve(name: string, who: Asker, signal: AbortSignal): Promise<readonly string[]> {
    signal.throwIfAborted();
    const { maxWaiting } = this.#options;
    const principal = this.#principalOf(who);
    if (principal.awaited >= maxWaiting) throw limitExceeded('max_principal_lookups', maxWaiting);
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        question.answer = undefined;
        principal.awaited -= 1;
        if (question.isBehind) principal.givenUp += 1;
        this.#tidy(principal, who);
        reject(signal.reason);
      };
      const question: Question = {
        who,
        name,
        principal,
        isBehind: true,
        answer(addresses) {
          question.answer = undefined;
          principal.awaited -= 1;
          signal.removeEventListener('abort', giveUp);
          resolve(addresses);
        },
      };
      signal.addEventListener('abort', giveUp, { once: true });
      principal.awaited += 1;
      principal.behind.push(who, question);
      this.#advance(principal);
      this.#begin();
    });
  }

  #principalOf({ principal: name }: Asker): Principal {
    const known = this.#principals.get(name);
    if (known !== undefined) return known;
    const principal = { active: 0, awaited: 0, behind: new TurnQueue<Question>(), givenUp: 0 };
    this.#principals.set(name, principal);
    return principal;
  }

  /** Has the questions of a principal wait among those of all, as many as it may have there. */
  #advance(principal: Principal): void {
    while (principal.active < this.#options.maxOfPrincipal) {
      const question = principal.behind.shift();
      if (question === undefined) return;
      question.isBehind = false;
      if (question.answer === undefined) {
        principal.givenUp -= 1;
        continue;
      }
      principal.active += 1;
      this.#next.push(question.who, question);
    }
  }

  #begin(): void {
    while (this.#underWay < this.#options.maxUnderWay) {
      const question = this.#next.shift();
      if (question === undefined) return;
      if (question.answer === undefined) this.#leave(question);
      else void this.#lookUp(question);
    }
  }

  async #lookUp(question: Question): Promise<void> {
    this.#underWay += 1;
    const found = this.#options.lookup(question.name);
    await found.catch(() => {});
    this.#underWay -= 1;
    question.answer?.(found);
    this.#leave(question);
    this.#begin();
  }

  #leave({ principal, who }: Question): void {
    principal.active -= 1;
    this.#advance(principal);
    this.#tidy(principal, who);
  }

  /** Keeps nothing of a principal that waits for nothing, nor many questions that are given up. */
  #tidy(principal: Principal, { principal: name }: Asker): void {
    if (principal.awaited === 0 && principal.active === 0) {
      if (this.#principals.get(name) === principal) this.#principals.delete(name);
      return;
    }
    if (principal.givenUp <= Math.max(FEW, principal.awaited)) return;
    for (const question of principal.behind.clear()) {
      if (question.answer !== undefined) principal.behind.push(question.who, question);
    }
    principal.givenUp = 0;
  }
}
