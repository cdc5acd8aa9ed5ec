import { isIPv6, type Socket } from 'node:net';

/** The groups of an IPv6 address that a network gives to one site: whoever has one has all below. */
const SITE_GROUPS = 4;

/** An IPv4 address that is written as one of IPv6, as sockets of both kinds have it. */
const MAPPED = /^::ffff:(?<v4>\d+\.\d+\.\d+\.\d+)$/i;

/**
 * Where a connection comes from, for telling apart who has how many: the user on a Unix
 * socket, where the system tells; else the address, of IPv6 what one site has.
 */
export function sourceOf(
  { remoteAddress }: Pick<Socket, 'remoteAddress'>,
  peerUid: number | undefined,
): string {
  if (peerUid !== undefined) return `uid ${peerUid}`;
  if (remoteAddress === undefined) return 'unix';
  const v4 = MAPPED.exec(remoteAddress)?.groups?.['v4'];
  if (v4 !== undefined) return v4;
  return isIPv6(remoteAddress) ? siteOf(remoteAddress) : remoteAddress;
}

/** Its first groups. Those that are left out are zeros. */
function siteOf(address: string): string {
  const [before = '', after] = address.replace(/%.*$/, '').split('::');
  const groups = before === '' ? [] : before.split(':');
  if (after !== undefined) {
    const last = after === '' ? [] : after.split(':');
    while (groups.length + last.length < 8) groups.push('0');
    groups.push(...last);
  }
  return `${groups.slice(0, SITE_GROUPS).join(':')}::/64`;
}
