import type { Capabilities } from '../gen/runlet/v1/server_pb.ts';
import type { CallTarget } from './call-attempts.ts';
import type { Generation } from './generation.ts';
import { unlessAborted } from './waiting.ts';

/** What the servers behind connections can do. Another connection may lead to another. */
const KNOWN = new WeakMap<Generation, Promise<Capabilities | undefined>>();

/** What the server can do that a call is about to be made to. It is asked once for each connection. */
export async function serverCapabilities({
  generation,
  options,
}: CallTarget): Promise<Capabilities | undefined> {
  let asked = KNOWN.get(generation);
  if (asked === undefined) {
    // Who asks first may give up before others do.
    asked = askServer(generation, { ...options, signal: generation.signal });
    KNOWN.set(generation, asked);
    asked.catch(() => KNOWN.delete(generation));
  }
  const { signal } = options;
  return signal === undefined ? asked : unlessAborted(asked, signal);
}

async function askServer(
  { control }: Generation,
  options: CallTarget['options'],
): Promise<Capabilities | undefined> {
  const { capabilities } = await control.server.getServerInfo({}, options);
  return capabilities;
}
