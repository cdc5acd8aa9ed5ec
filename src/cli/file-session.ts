import { type RemoteSession, type RunletClient, SessionLostError } from '../client/index.ts';
import { findWhere } from './find-where.ts';
import { lastProcessAt } from './last-process.ts';

/** How long a session that is made for files lives if this program is gone, in milliseconds. */
const ORPHAN_MS = 60_000;

/** How long the closing of a session that was made for files may take, in milliseconds. */
const CLOSE_MS = 1_000;

/**
 * Does something with files of the server: in the session that is named, or in that of the last
 * process of this user. Where there is none, one is made, and closed after it.
 */
export async function withFileSession<T>(
  client: RunletClient,
  address: string,
  where: string | undefined,
  use: (session: RemoteSession) => Promise<T>,
): Promise<T> {
  const there =
    where === undefined
      ? await lastSession(client, address)
      : await findWhere(client, address, where);
  if (there !== undefined) return use(there);
  const made = await client.session({ detachedTtlMs: ORPHAN_MS, ifAttached: 'share' });
  try {
    return await use(made);
  } finally {
    // One that cannot be closed expires.
    const closed = made.close().catch(() => {});
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())]);
  }
}

/** The session of this user's last process; undefined: there is none any more. */
async function lastSession(
  client: RunletClient,
  address: string,
): Promise<RemoteSession | undefined> {
  const last = await lastProcessAt(address);
  if (last === undefined) return undefined;
  try {
    return await client.session({ id: last.session, ifAttached: 'share' });
  } catch (error) {
    const reason = error instanceof SessionLostError ? error.reason : undefined;
    if (reason === 'expired' || reason === 'closed') return undefined;
    throw error;
  }
}
