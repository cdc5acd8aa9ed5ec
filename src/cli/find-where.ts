import type { RemoteSession, RunletClient } from '../client/index.ts';
import { findProcess, findSession, openProcess } from './find-process.ts';

/**
 * The session that is named by its own id, by that of a process in it, or by the beginning of one
 * of them.
 */
export async function findWhere(
  client: RunletClient,
  address: string,
  where: string,
): Promise<RemoteSession> {
  const ids = (await client.sessions()).map(({ id }) => id);
  if (!ids.some((id) => id.startsWith(where))) {
    const found = await findProcess(client, address, {}, where);
    // One that is not there is told of.
    await openProcess(found);
    return found.session;
  }
  const id = await findSession(client, address, { session: where });
  return client.session({ id, ifAttached: 'share' });
}
