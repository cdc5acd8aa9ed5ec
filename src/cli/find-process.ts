import {
  ConnectionError,
  type ProcessInfo,
  RemoteError,
  type RemoteProcess,
  type RemoteSession,
  type RunletClient,
  SessionLostError,
} from '../client/index.ts';
import { fail } from './failure.ts';
import { type LastProcess, lastAddress, lastProcessAt } from './last-process.ts';
import { NamedError, namingProcess } from './named-error.ts';
import { UsageError } from './usage-error.ts';

/** The flags and arguments with which a command names a process. */
export interface ProcessFlags {
  readonly session?: string;
}

/** A process that was found, and its session, which is not attached. */
export interface FoundProcess {
  readonly session: RemoteSession;
  readonly processId: string;
}

/** Ids that a message names. */
const MAX_NAMED = 5;

/** Sessions that are asked at a time, each of which takes connections of its own. */
const OPENED_AT_A_TIME = 8;

/** A full session id. */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The session that is meant: the one whose id, or the beginning of it, was given, or the
 * last one of this user.
 */
export async function findSession(
  client: RunletClient,
  address: string,
  { session: given }: ProcessFlags,
): Promise<string> {
  if (given === undefined) return (await lastOrFail(client, address)).session;
  if (UUID.test(given)) return given.toLowerCase();
  const all = (await client.sessions()).map(({ id }) => id);
  const id = onlyMatch(all, given, 'session');
  if (id === undefined) throw new Error(`no session begins with ${given} (SESSION_NOT_FOUND)`);
  return id;
}

/**
 * The process that is meant. By its id or the beginning of it: in the session that was
 * given; otherwise in the last one of this user, and then in all others. Without one: the last
 * that was started in the given session, or the last one of this user.
 */
export async function findProcess(
  client: RunletClient,
  address: string,
  flags: ProcessFlags,
  given: string | undefined,
): Promise<FoundProcess> {
  if (flags.session === undefined && given !== undefined) {
    return findAnywhere(client, address, given);
  }
  const last = flags.session === undefined ? await lastOrFail(client, address) : undefined;
  const sessionId = last?.session ?? (await findSession(client, address, flags));
  const session = await client.session({ id: sessionId, ifAttached: 'share' });
  if (last !== undefined) return { session, processId: last.process };
  const ids = await processIds(session);
  const id = given === undefined ? ids.at(-1) : (onlyMatch(ids, given, 'process') ?? given);
  if (id === undefined)
    throw new Error(`session ${sessionId} has no processes (PROCESS_NOT_FOUND)`);
  return { session, processId: id };
}

/**
 * Does something with each of the processes that are named, or with the last one. That one of
 * them is not there, or fails, is said, and is no reason to leave the others.
 *
 * @throws what failed, if it is the only one
 */
export async function forEachProcess(
  client: RunletClient,
  address: string,
  flags: ProcessFlags,
  names: readonly string[],
  act: (process: RemoteProcess, ids: FoundProcess) => Promise<void>,
): Promise<void> {
  const wanted = names.length === 0 ? [undefined] : names;
  for (const name of wanted) {
    try {
      const found = await findProcess(client, address, flags, name);
      await namingProcess(found.processId, act(await openProcess(found), found));
    } catch (error) {
      if (wanted.length === 1 || error instanceof ConnectionError) throw error;
      fail(error);
    }
  }
}

/** A process that was found; it may be gone meanwhile, or never have been there. */
export async function openProcess({ processId, session }: FoundProcess): Promise<RemoteProcess> {
  try {
    return await namingProcess(processId, session.process(processId));
  } catch (error) {
    const reason = error instanceof NamedError ? error.cause.reason : undefined;
    if (reason !== 'PROCESS_NOT_FOUND') throw error;
    throw new Error(`session ${session.id} has no process ${processId} (${reason})`);
  }
}

/** In the last session and in all others. An id in full comes before the beginning of another. */
async function findAnywhere(
  client: RunletClient,
  address: string,
  given: string,
): Promise<FoundProcess> {
  const last = (await lastProcessAt(address))?.session;
  const remembered = last === undefined ? undefined : await openIfThere(client, last);
  const inLast: readonly Candidate[] =
    remembered === undefined
      ? []
      : [{ session: remembered, ids: await processIdsIfThere(remembered) }];
  const isExact = ({ ids }: Candidate): boolean => ids.includes(given);
  const exactInLast = onlyCandidate(inLast.filter(isExact), given);
  if (exactInLast !== undefined) return exactInLast;
  const others = await inEachWithProcesses(client, last, async (session): Promise<Candidate> => {
    const ids = (await processIdsIfThere(session)).filter((id) => id.startsWith(given));
    if (ids.length === 0) session.detach();
    return { session, ids };
  });
  for (const candidates of [others.filter(isExact), inLast, others]) {
    const found = onlyCandidate(candidates, given);
    if (found !== undefined) return found;
  }
  const nowhere = new Error(`no session has a process ${given} (PROCESS_NOT_FOUND)`);
  if (remembered === undefined) throw nowhere;
  // The server can say whether it ever was there.
  const gone = await remembered.process(given).catch((error: unknown) => error);
  if (gone instanceof ConnectionError) throw gone;
  throw gone instanceof RemoteError && gone.reason !== 'PROCESS_NOT_FOUND'
    ? new NamedError(`process ${given}`, gone)
    : nowhere;
}

/** A session, and the ids of processes of it. */
interface Candidate {
  readonly session: RemoteSession;
  readonly ids: readonly string[];
}

/** The only process with the id that was given, or that begins with it; undefined: there is none. */
function onlyCandidate(candidates: readonly Candidate[], given: string): FoundProcess | undefined {
  const found = candidates.flatMap(({ ids, session }) => {
    const processId = onlyMatch(ids, given, 'process');
    return processId === undefined ? [] : [{ session, processId }];
  });
  if (found.length > 1) {
    const sessions = found.map(({ session }) => session.id).join(', ');
    throw new UsageError(
      `several sessions have a process ${given}`,
      `name one of them with --session: ${sessions}`,
    );
  }
  return found[0];
}

async function processIds(session: RemoteSession): Promise<readonly string[]> {
  return (await session.processes()).map(({ id }) => id);
}

/** The same of one that may end meanwhile, which is none then. */
async function processIdsIfThere(session: RemoteSession): Promise<readonly string[]> {
  return (await unlessEnded(processIds(session))) ?? [];
}

/** A session; undefined: it has ended. */
function openIfThere(client: RunletClient, id: string): Promise<RemoteSession | undefined> {
  return unlessEnded(client.session({ id, ifAttached: 'share' }));
}

/** The processes of all sessions. One that ends while they are asked has none. */
export async function allProcesses(client: RunletClient): Promise<readonly ProcessInfo[]> {
  const found = await inEachWithProcesses(client, undefined, async (session) => {
    const processes = await unlessEnded(session.processes());
    session.detach();
    return processes ?? [];
  });
  return found.flat();
}

/**
 * Opens all sessions that have processes but one, some at a time, and asks something of each that
 * has not ended meanwhile.
 */
async function inEachWithProcesses<T>(
  client: RunletClient,
  but: string | undefined,
  ask: (session: RemoteSession) => Promise<T>,
): Promise<readonly T[]> {
  const waiting = (await client.sessions()).filter(
    ({ id, processCount }) => id !== but && processCount > 0,
  );
  const answers: T[] = [];
  while (waiting.length > 0) {
    const opened = waiting
      .splice(0, OPENED_AT_A_TIME)
      .map(({ id }) => openIfThere(client, id).then((session) => session && ask(session)));
    for (const answer of await Promise.all(opened)) if (answer !== undefined) answers.push(answer);
  }
  return answers;
}

/** What comes of a session that may end meanwhile; undefined: it has ended. */
async function unlessEnded<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    const reason = error instanceof SessionLostError ? error.reason : undefined;
    if (reason === 'expired' || reason === 'closed') return undefined;
    throw error;
  }
}

/** The id that was given, or the only one that begins with it; undefined: there is none. */
function onlyMatch(ids: readonly string[], given: string, what: string): string | undefined {
  if (ids.includes(given)) return given;
  const matches = ids.filter((id) => id.startsWith(given));
  if (matches.length > 1) {
    const some = matches.slice(0, MAX_NAMED).join(', ');
    const more = matches.length > MAX_NAMED ? ` and ${matches.length - MAX_NAMED} more` : '';
    throw new UsageError(
      `several ids begin with ${given}: ${some}${more}`,
      `name one ${what} in full`,
    );
  }
  return matches[0];
}

async function lastOrFail(client: RunletClient, address: string): Promise<LastProcess> {
  const last = await lastProcessAt(address);
  if (last !== undefined) return last;
  // Where there is no server, that is what is wrong.
  await client.info();
  const elsewhere = await lastAddress();
  throw new UsageError(
    `this user started nothing at ${address}`,
    elsewhere === undefined
      ? 'see `runlet ps --all`'
      : `the last one is at ${elsewhere}: name that with --address`,
  );
}
