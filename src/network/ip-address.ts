import { isIP } from 'node:net';

/** An address of IPv4 or IPv6, without a zone. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** Its 32 or 128 bits. */
  readonly bits: bigint;
}

/** Addresses that begin with the same bits. */
export interface IpRange extends IpAddress {
  /** How many bits, 0 to 32 or 128. Those of {@link IpAddress.bits} after them are zero. */
  readonly prefix: number;
}

/** Bits of an address of each family. */
export const BITS = { 4: 32, 6: 128 } as const;

/**
 * Reads an address as Node.js takes one: IPv4 in four decimal numbers, or IPv6, whose zone
 * (`%eth0`) is left out. Undefined: it is none.
 */
export function parseIp(text: string): IpAddress | undefined {
  const family = isIP(text);
  if (family === 4) return { family, bits: bitsOf4(text) };
  if (family === 6) return { family, bits: bitsOf6(text.replace(/%.*$/s, '')) };
  return undefined;
}

/** As Node.js takes it; IPv6 as RFC 5952 has it, but for the longest run of zeros. */
export function formatIp({ family, bits }: IpAddress): string {
  if (family === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 0xffn)).join('.');
  }
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  ).join(':');
  return groups.replace(/(?:^|:)0(?::0)+(?:$|:)/, '::');
}

/** Whether an address is in a range. */
export function isInRange({ bits, family }: IpAddress, range: IpRange): boolean {
  const rest = BigInt(BITS[family] - range.prefix);
  return family === range.family && bits >> rest === range.bits >> rest;
}

/** The range of a text that is known to be one: `10.0.0.0/8`. */
export function ipRange(text: string): IpRange {
  const [address = '', prefix] = text.split('/');
  const ip = parseIp(address);
  if (ip === undefined) throw new TypeError(`${text} is no range of addresses`);
  return { ...ip, prefix: prefix === undefined ? BITS[ip.family] : Number(prefix) };
}

function bitsOf4(text: string): bigint {
  return text.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function bitsOf6(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const first = groupsOf(head);
  const last = groupsOf(tail ?? '');
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => 0n);
  return [...first, ...zeros, ...last].reduce((bits, group) => (bits << 16n) | group, 0n);
}

/** The groups of 16 bits of a part of an address; one in dotted form has two. */
function groupsOf(text: string): readonly bigint[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)];
    const bits = bitsOf4(group);
    return [bits >> 16n, bits & 0xffffn];
  });
}
