import { readdir, readFile } from 'node:fs/promises';
import { groupOutlivesLeader } from './signals.ts';

/** The look at the machine's processes that is under way, shared by all who want one. */
let underWay: Promise<ReadonlySet<number> | undefined> | undefined;

/**
 * Whether a group whose leader was reaped has a member that still runs.
 *
 * A member that ended but was not reaped is none: the one to reap it is init,
 * which may take its time, and in a container may be a program that never does.
 */
export async function groupIsLive(pgid: number): Promise<boolean> {
  if (!groupOutlivesLeader(pgid)) return false;
  underWay ??= liveGroups().finally(() => {
    underWay = undefined;
  });
  const groups = await underWay;
  return groups?.has(pgid) ?? true;
}

/** The groups of all processes but zombies, from proc(5); undefined where there is no such thing. */
async function liveGroups(): Promise<ReadonlySet<number> | undefined> {
  const names = await readdir('/proc').catch(() => undefined);
  if (names === undefined || process.platform !== 'linux') return undefined;
  const groups = new Set<number>();
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '');
    // The command's name, in parentheses, may hold anything; state, parent and group follow it.
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state !== undefined && state !== '' && !'ZXx'.includes(state)) groups.add(Number(group));
  }
  return groups;
}
