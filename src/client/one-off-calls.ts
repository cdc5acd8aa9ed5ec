import type { Address } from '../address.ts';
import type { CallOptions } from '../bridge/types.ts';
import { Backoff } from './backoff.ts';
import { callFailure } from './call-failure.ts';
import { type Connection, openServices } from './connection.ts';
import { ConnectionError } from './errors.ts';
import type { ClientSettings } from './options.ts';
import { within } from './waiting.ts';

/**
 * Calls outside of a session that this client is in, which may be repeated. What `make` calls
 * has a connection of its own, or as many as it takes within the time to connect.
 *
 * @throws RemoteError, ConnectionError
 */
export function oneOffCall<T>(
  address: Address,
  settings: ClientSettings,
  metadata: Readonly<Record<string, string>>,
  make: (connection: Connection, options: CallOptions) => Promise<T>,
): Promise<T> {
  return settings.keepAlive.during(callUntil(address, settings, metadata, make));
}

async function callUntil<T>(
  address: Address,
  settings: ClientSettings,
  metadata: Readonly<Record<string, string>>,
  make: (connection: Connection, options: CallOptions) => Promise<T>,
): Promise<T> {
  const { attemptTimeoutMs, clock, connectTimeoutMs, initialBackoffMs, maxBackoffMs, random } =
    settings;
  const backoff = new Backoff({ initialMs: initialBackoffMs, maxMs: maxBackoffMs, random });
  const until = clock.monotonic() + connectTimeoutMs;
  for (;;) {
    const connection = openServices(address, settings);
    try {
      const given = (async () => settings.metadata())();
      const own = await within(given, attemptTimeoutMs, clock, 'no metadata came');
      return await make(connection, {
        metadata: { ...own, ...metadata },
        deadline: new Date(Date.now() + attemptTimeoutMs),
      });
    } catch (error) {
      const failure = callFailure(error);
      if (failure.kind !== 'connection') throw failure.error;
      const pauseMs = backoff.next();
      if (clock.monotonic() + pauseMs > until) {
        const why = failure.error.message;
        throw new ConnectionError(`the server cannot be reached: ${why}`, false, failure.error);
      }
      await new Promise<void>((resolve) => void clock.setTimer(pauseMs, resolve));
    } finally {
      connection.close();
    }
  }
}
