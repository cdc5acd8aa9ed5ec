import { type Address, defaultAddress } from '../address.ts';
import type { ServeFlags } from './serve-flags.ts';
import { UsageError } from './usage-error.ts';

/**
 * Where a server with these flags listens, for whoever is not that server.
 *
 * @throws UsageError if that depends on what systemd passes to the server, as `flag` cannot know
 */
export function listenAddresses(flags: ServeFlags, flag: string): readonly Address[] {
  const places = flags.listen?.map(({ address }) => address) ?? [defaultAddress(process.env)];
  return places.map((place) => {
    if (place.kind !== 'systemd') return place;
    throw new UsageError(`${flag} needs addresses: what systemd passes is for the server alone`);
  });
}
