import { connect, type RemoteSession } from '../client/index.ts';
import type { McpServerPlace, TransportSettings } from './options.ts';
import type { RunningServer } from './running-server.ts';
import { leave } from './shutdown.ts';

/**
 * Starts an MCP server. If that fails, or `signal` aborts meanwhile, nothing is left of it.
 *
 * @throws RemoteError, ConnectionError, SessionLostError, the reason of `signal`
 */
export async function startServerProcess(
  { clock, place, spec }: TransportSettings,
  signal: AbortSignal,
): Promise<RunningServer> {
  const { abandon, release, session } = await enter(place);
  try {
    const process = await session.start({ ...spec, stdin: 'pipe' }, { signal });
    signal.throwIfAborted();
    return { process, release, abandon };
  } catch (error) {
    await leave({ abandon, release }, clock);
    throw error;
  }
}

async function enter(place: McpServerPlace): Promise<{
  readonly session: RemoteSession;
  release(): Promise<void>;
  abandon(): void;
}> {
  if (place.session !== undefined) {
    return { session: place.session, release: async () => {}, abandon: () => {} };
  }
  const client = connect(place.address, place.connect);
  try {
    const { detachedTtlMs } = place;
    const session = await client.session(detachedTtlMs === undefined ? {} : { detachedTtlMs });
    const release = async (): Promise<void> => {
      try {
        await session.close();
      } finally {
        await client.close();
      }
    };
    return { session, release, abandon: () => void client.close() };
  } catch (error) {
    await client.close();
    throw error;
  }
}
