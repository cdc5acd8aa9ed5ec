import { canonicalHost } from '../host-name.ts';
import { BITS, formatIp, type IpRange, parseIp } from '../ip-address.ts';
import { parsePort, splitPort } from './host-and-port.ts';
import { reachedIp } from './reached-address.ts';

/** What a rule of the operator's is about. */
export type EgressRule = {
  /** As the operator wrote it. */
  readonly text: string;
  /** Undefined: any. */
  readonly port: number | undefined;
} & (
  | { readonly kind: 'name'; readonly name: string }
  /** All names below one, but not that. */
  | { readonly kind: 'below'; readonly name: string }
  /** An address is a range of one. */
  | { readonly kind: 'range'; readonly range: IpRange }
);

/**
 * Reads `HOST[:PORT]` or `CIDR[:PORT]`, as `--egress-allow` and `--egress-deny` take them:
 * `example.org`, `*.example.org:443` for all names below it, `10.0.0.0/8`, `fd00::/8`,
 * `[fd00::/8]:443`.
 *
 * @throws Error that says what is wrong with it
 */
export function parseEgressRule(text: string): EgressRule {
  const { host, port: written } = splitPort(text);
  const port = written === undefined ? undefined : parsePort(written);
  if (host.includes('/')) return { text, port, kind: 'range', range: parseRange(host) };
  const address = parseIp(host);
  if (address !== undefined) {
    if (host.includes('%')) throw new Error('an address is written without its zone');
    const ip = reachedIp(address);
    return { text, port, kind: 'range', range: { ...ip, prefix: BITS[ip.family] } };
  }
  const isBelow = host.startsWith('*.');
  const name = canonicalHost(isBelow ? host.slice(2) : host);
  if (name === undefined) throw new Error(wrongName(host));
  if (parseIp(name) !== undefined) {
    throw new Error(isBelow ? wrongName(host) : `write the address as ${name}`);
  }
  return { text, port, kind: isBelow ? 'below' : 'name', name };
}

const BRACKETS = 'what is of IPv6 is written as [ADDRESS]:PORT where it has a port';

function wrongName(host: string): string {
  if (host === '*') return 'write 0.0.0.0/0 for all addresses of IPv4, and ::/0 for those of IPv6';
  if (host.includes('*')) return 'a * can only stand before the first dot of a name: *.example.org';
  if (host.includes(':')) return BRACKETS;
  return 'it is no name, no address and no range such as 10.0.0.0/8';
}

function parseRange(text: string): IpRange {
  const [address = '', digits = '', ...more] = text.split('/');
  const ip = parseIp(address);
  if (ip === undefined || more.length > 0 || address.includes('%')) {
    throw new Error('it is no range of addresses, such as 10.0.0.0/8 or fd00::/8');
  }
  if (digits.includes(':')) throw new Error(BRACKETS);
  const size = BITS[ip.family];
  const prefix = /^\d{1,3}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(prefix <= size)) throw new Error(`the prefix must be a number from 0 to ${size}`);
  const rest = BigInt(size - prefix);
  const bits = (ip.bits >> rest) << rest;
  if (bits !== ip.bits) {
    const meant = `${formatIp({ ...ip, bits })}/${prefix}`;
    throw new Error(`it has bits after its prefix; write ${meant}, or the address alone`);
  }
  return unmapped({ ...ip, bits, prefix });
}

/** A range of IPv4 addresses that are mapped into IPv6 is one of IPv4. */
function unmapped(range: IpRange): IpRange {
  if (range.family === 4 || range.prefix < 96 || range.bits >> 32n !== 0xffffn) return range;
  return { family: 4, bits: range.bits & 0xffff_ffffn, prefix: range.prefix - 96 };
}
