import { realpath } from 'node:fs/promises';
import { posix } from 'node:path';
import { matchingTurns } from '../environment/env-policy.ts';
import { foldName, matchesAny } from '../environment/name-pattern.ts';
import type { ProcessSpec } from '../process/process-spec.ts';
import { errnoName, startFailure } from '../process/start-failure.ts';
import type { StartGoal, StartGuard } from '../process/start-guard.ts';
import type { RunUser } from '../process/users/run-user.ts';
import { pathOfText, shownText, textOfBytes } from '../system-text.ts';
import { policyDenied } from './denial.ts';
import { admitLimits } from './limits-rule.ts';
import { matchesSome, type PathPattern } from './path-pattern.ts';
import type { PolicyEntry } from './policy.ts';

/** The user that the server runs as; its name is undefined where the system knows none. */
export type OwnUser = Pick<RunUser, 'uid'> & { readonly name: string | undefined };

/** What the rules of a policy are asked with. */
export interface PolicyGuardOptions {
  readonly entry: PolicyEntry;
  readonly own: OwnUser;
}

/** The rules of a policy for starts. */
export type PolicyGuard = Pick<StartGuard, 'admit' | 'approve' | 'approveUser'>;

/** What an entry of a policy says of starts. */
export function policyGuard({ entry, own }: PolicyGuardOptions): PolicyGuard {
  return {
    async admit(spec) {
      if (spec.terminal !== undefined && !entry.terminals) {
        throw policyDenied('terminals', 'a terminal');
      }
      assertLabels(entry, spec);
      await assertEnvironment(entry, spec);
      if (spec.user === undefined) assertUser(entry, own, own);
      return admitLimits(entry.limits, spec);
    },

    approveUser(asked, user) {
      if (user === undefined) assertUser(entry, own, { name: asked, uid: undefined });
      else assertUser(entry, own, user);
    },

    async approve({ cwd, program }) {
      const { folders, programs } = entry;
      return {
        cwd: folders === undefined ? cwd : await approvedPath('folders', folders, cwd),
        program:
          programs === undefined ? program : await approvedPath('programs', programs, program),
      };
    },
  };
}

function assertLabels({ labels }: PolicyEntry, spec: ProcessSpec): void {
  for (const [key, pattern] of labels) {
    const value = spec.labels.get(key);
    if (value === undefined) throw policyDenied('labels', `without the label ${key}`);
    if (pattern?.matches(value) === false) throw policyDenied('labels', `the label ${key}`);
  }
}

async function assertEnvironment(
  { environment: { forbid, inherit, set } }: PolicyEntry,
  { env, envPolicy, terminal }: ProcessSpec,
): Promise<void> {
  const mode = envPolicy?.inherit ?? 'none';
  if (inherit?.has(mode) === false) throw policyDenied('environment', `inherit ${mode}`);
  if (forbid.length === 0 && set === undefined) return;
  for (const name of [...env.keys(), ...(envPolicy?.set.keys() ?? [])]) {
    // It belongs to the terminal.
    if (name === 'TERM' && terminal !== undefined) continue;
    const folded = foldName(name);
    const allowed = set === undefined || (await matchesAny(set, folded, matchingTurns));
    if (!allowed || (await matchesAny(forbid, folded, matchingTurns))) {
      throw policyDenied('environment', `the variable ${shownText(name).slice(0, MAX_TOLD)}`);
    }
  }
}

/** Users whom nothing is said of are the server's own. */
export function assertUser(
  { users }: PolicyEntry,
  own: OwnUser,
  { name, uid }: { readonly name: string | undefined; readonly uid: number | undefined },
): void {
  const mayBe =
    users === undefined
      ? uid === own.uid
      : [name, uid].some((text) => text !== undefined && matchesSome(users, String(text)));
  if (!mayBe) throw policyDenied('users', `as ${name ?? uid}`);
}

/** Characters of a path or a name that are told in the audit: more is nobody's real one. */
const MAX_TOLD = 4096;

/**
 * A path without links, which it and the path that was asked for match a pattern of. What is asked
 * for must match too, since a program may go by the name that it has.
 */
async function approvedPath(
  rule: 'folders' | 'programs',
  patterns: readonly PathPattern[],
  path: string,
): Promise<string> {
  // No path of the system is longer, and what it costs to match is in proportion.
  if (path.length > MAX_TOLD) throw policyDenied(rule, 'a path that is too long');
  const asked = posix.normalize(path).replace(/(.)\/$/, '$1');
  let real: string;
  try {
    real = textOfBytes(await realpath(pathOfText(path), { encoding: 'buffer' }));
  } catch (error) {
    // Whether something is there is told only where it might have been used.
    if (!matchesSome(patterns, asked)) throw policyDenied(rule, shownText(asked));
    throw unreachable(rule, errnoName(error));
  }
  // Where a process starts, it does not see by which way that was found.
  const named = rule === 'folders' || matchesSome(patterns, asked);
  if (named && matchesSome(patterns, real)) return real;
  const told = real === asked ? real : `${asked} (${real})`;
  throw policyDenied(rule, shownText(told));
}

function unreachable(rule: 'folders' | 'programs', errno: string): Error {
  return rule === 'folders'
    ? startFailure('CWD', errno, `cannot start in the working directory: ${errno}`)
    : startFailure('PROGRAM', errno, `the program cannot be executed: ${errno}`);
}

/** The start leads where it was asked to lead. */
export const UNRESTRICTED: PolicyGuard = {
  admit: async (spec) => spec,
  approve: async (goal: StartGoal) => goal,
  approveUser: () => {},
};
