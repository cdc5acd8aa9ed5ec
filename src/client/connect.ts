import { dirname } from 'node:path';
import { type Address, defaultAddress, parseAddress } from '../address.ts';
import { assertPrivateFolderSync } from '../private-folder.ts';
import { OptionError } from './client-error.ts';
import { type ConnectOptions, settingsAt } from './options.ts';
import { RunletClient } from './runlet-client.ts';

/**
 * A client of the server at an address, `unix:PATH` or `HOST:PORT`. Without one it is that of
 * `RUNLET_ADDRESS`, or of the server that `runlet serve` starts for this user. Connections are
 * made when they are needed; nothing is opened yet.
 *
 * @throws OptionError the address is not one, somebody else could have put a server of theirs at
 *   the one of this user, or an option makes no sense
 */
export function connect(address?: string, options: ConnectOptions = {}): RunletClient {
  const found = address === undefined ? localAddress(process.env) : addressOf('address', address);
  return new RunletClient(found, settingsAt(found, options));
}

/** Where the server of this user is, as the command line finds it. */
function localAddress(env: NodeJS.ProcessEnv): Address {
  const named = env['RUNLET_ADDRESS'];
  if (named !== undefined && named !== '') return addressOf('RUNLET_ADDRESS', named);
  const address = defaultAddress(env);
  try {
    assertPrivateFolderSync(dirname(address.path));
  } catch (error) {
    // Then there is no server either, which is told of by whoever looks for one.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new OptionError('address', (error as Error).message);
    }
  }
  return address;
}

function addressOf(name: string, text: string): Address {
  try {
    if (typeof text === 'string') return parseAddress(text);
  } catch (error) {
    throw new OptionError(name, `${name}: ${(error as Error).message}`);
  }
  throw new OptionError(name, `${name} must be a string, unix:PATH or HOST:PORT`);
}
