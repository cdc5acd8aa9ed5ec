import type { Clock } from '../../clock.ts';
import { MAX_KNOWN_USERS, USER_KEEP_MS } from '../../limits.ts';
import { startFailure } from '../start-failure.ts';
import type { RunTool } from './run-tool.ts';
import { parseId, parsePasswdEntry, type RunUser } from './run-user.ts';
import type { SystemTools } from './system-tools.ts';

/** getent(1): "one or more supplied key could not be found in the database". */
const NOT_FOUND = 2;

/** An answer, or one that is being waited for. */
interface Known {
  readonly user: Promise<RunUser | undefined>;
  /** By the monotonic clock, in milliseconds. */
  readonly until: number;
}

/**
 * Looks users up in the system's database, which may be a service elsewhere: a tool asks it, so
 * that the event loop does not wait. Answers are kept for a little while.
 */
export class UserLookup {
  readonly #tools: Pick<SystemTools, 'getent' | 'id'>;
  readonly #run: RunTool;
  readonly #clock: Clock;
  /** The latest last. */
  readonly #known = new Map<string, Known>();

  constructor(tools: Pick<SystemTools, 'getent' | 'id'>, run: RunTool, clock: Clock) {
    this.#tools = tools;
    this.#run = run;
    this.#clock = clock;
  }

  /**
   * The user with a name or, in digits, a number; undefined: there is none.
   *
   * @throws RunletError `START_FAILED` if the database does not answer
   */
  find(asked: string): Promise<RunUser | undefined> {
    const now = this.#clock.monotonic();
    const known = this.#known.get(asked);
    if (known !== undefined && known.until > now) return known.user;
    const user = this.#look(asked);
    this.#known.delete(asked);
    this.#known.set(asked, { user, until: now + USER_KEEP_MS });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN_USERS && oldest !== undefined) this.#known.delete(oldest);
    // What failed is no answer.
    user.catch(() => {
      if (this.#known.get(asked)?.user === user) this.#known.delete(asked);
    });
    return user;
  }

  async #look(asked: string): Promise<RunUser | undefined> {
    const { code, stdout } = await this.#run(this.#tools.getent, ['passwd', asked]);
    if (code === NOT_FOUND) return undefined;
    const entry = code === 0 ? parsePasswdEntry(stdout.split('\n', 1)[0] ?? '') : undefined;
    if (entry === undefined) throw unanswered();
    // A number is never a name: one that has it as a name would be somebody else.
    if (entry.uid !== parseId(asked) && entry.name !== asked) return undefined;
    const groups = await this.#groupsOf(entry.name);
    return { ...entry, groups: [...new Set([entry.gid, ...groups])] };
  }

  async #groupsOf(name: string): Promise<readonly number[]> {
    const { code, stdout } = await this.#run(this.#tools.id, ['-G', '--', name]);
    const ids = stdout.trim().split(/\s+/).map(parseId);
    const groups = ids.filter((id) => id !== undefined);
    if (code !== 0 || groups.length !== ids.length) throw unanswered();
    return groups;
  }
}

function unanswered(): Error {
  return startFailure('SPAWN', 'EIO', 'the database of users does not answer: EIO');
}
