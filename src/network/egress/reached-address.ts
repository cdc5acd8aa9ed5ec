import { formatIp, type IpAddress, ipRange, isInRange, parseIp } from '../ip-address.ts';

/** IPv6 forms of IPv4 addresses, and where in them the 32 bits are: to the left of how many. */
interface Form {
  readonly range: ReturnType<typeof ipRange>;
  readonly read: (bits: bigint) => readonly bigint[];
}

const LOW_32 = 0xffff_ffffn;

const at =
  (...shifts: readonly bigint[]) =>
  (bits: bigint): readonly bigint[] =>
    shifts.map((shift) => (bits >> shift) & LOW_32);

/** RFC 6052, 2.2: for prefixes of 48, 56 and 64 bits the octet 64 to 71 is left out. */
function translated(bits: bigint): readonly bigint[] {
  const octet = (i: number): bigint => (bits >> BigInt(120 - 8 * i)) & 0xffn;
  const of = (...places: readonly number[]): bigint =>
    places.reduce((address, i) => (address << 8n) | octet(i), 0n);
  return [bits & LOW_32, of(6, 7, 9, 10), of(7, 9, 10, 11), of(9, 10, 11, 12)];
}

/** An IPv4 address mapped into IPv6, RFC 4291, 2.5.5.2: the system connects by IPv4. */
const MAPPED = ipRange('::ffff:0:0/96');

/** Those that something on the way may turn into IPv4. */
const FORMS: readonly Form[] = [
  // Mapped, and compatible with IPv4: RFC 4291, 2.5.5.
  { range: MAPPED, read: at(0n) },
  { range: ipRange('::/96'), read: at(0n) },
  // Translated: RFC 2765, 2.1.
  { range: ipRange('::ffff:0:0:0/96'), read: at(0n) },
  // NAT64: RFC 6052, and for local use RFC 8215, with a prefix of any length.
  { range: ipRange('64:ff9b::/96'), read: at(0n) },
  { range: ipRange('64:ff9b:1::/48'), read: translated },
  // 6to4: RFC 3056, 2.
  { range: ipRange('2002::/16'), read: at(80n) },
  // Teredo, its server and its client, whose bits are inverted: RFC 4380, 4.
  { range: ipRange('2001::/32'), read: (bits) => [...at(64n)(bits), (bits & LOW_32) ^ LOW_32] },
];

/** ISATAP, below any prefix: RFC 5214, 6.1; the bit for what is unique is set or not. */
const ISATAP = 0x5efen;
const UNIQUE = 0x0200_0000n;

const ANY_4 = ipRange('0.0.0.0/32');
const ANY_6 = ipRange('::/128');

/**
 * Where a connection to an address goes: one that is mapped to IPv4 there, and one that names
 * none in particular to the loopback address, as Linux has it.
 */
export function reachedIp(ip: IpAddress): IpAddress {
  if (isInRange(ip, MAPPED)) return reachedIp({ family: 4, bits: ip.bits & LOW_32 });
  if (isInRange(ip, ANY_4)) return { family: 4, bits: 0x7f00_0001n };
  if (isInRange(ip, ANY_6)) return { family: 6, bits: 1n };
  return ip;
}

/** Everything that one may lead to: itself as it is written, where it goes, and what it carries. */
export function formsOf(ip: IpAddress): readonly IpAddress[] {
  const carried = carriedBy(ip).map((bits) => ({ family: 4 as const, bits }));
  return [ip, ...carried].flatMap((form) => [form, reachedIp(form)]);
}

function carriedBy(ip: IpAddress): readonly bigint[] {
  if (ip.family === 4) return [];
  const carried = FORMS.flatMap(({ range, read }) => (isInRange(ip, range) ? read(ip.bits) : []));
  const label = (ip.bits >> 32n) & LOW_32 & ~UNIQUE;
  return label === ISATAP ? [...carried, ip.bits & LOW_32] : carried;
}

/** The same of an address in text; a zone stays with an address of the link alone. */
export function reachedAddress(address: string): string {
  const ip = parseIp(address);
  if (ip === undefined) return address;
  const reached = reachedIp(ip);
  if (reached !== ip) return formatIp(reached);
  return isInRange(ip, LINK) ? address : address.replace(/%.*$/s, '');
}

/** Which interface it is of matters there: RFC 4007. */
const LINK = ipRange('fe80::/10');
