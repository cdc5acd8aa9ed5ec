import { parseAddress } from '../address.ts';
import { type ConnectOptions, clientSettings } from './options.ts';
import { RunletClient } from './runlet-client.ts';

/**
 * A client of the server at an address, `unix:PATH` or `HOST:PORT`. Connections are made
 * when they are needed; nothing is opened yet.
 *
 * @throws Error if the address is not one
 */
export function connect(address: string, options: ConnectOptions = {}): RunletClient {
  return new RunletClient(parseAddress(address), clientSettings(options));
}
