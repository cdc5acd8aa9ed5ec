import { BlockList, isIPv4 } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { egressPolicy } from '../../../src/network/egress/egress-policy.ts';
import { parseEgressRule } from '../../../src/network/egress/egress-rule.ts';

/*
 * Random rules and targets, by a model that knows how each address was made, and asks Node.js
 * which ranges have it.
 */

/** A rule, in parts. */
type Rule = { readonly port: number | undefined } & (
  | { readonly name: string; readonly below: boolean }
  | { readonly address: string; readonly prefix: number }
);

/** An address as it was made, and every address that it leads to. */
interface Made {
  readonly address: string;
  readonly reached: string;
  readonly leads: readonly string[];
}

const PORT = fc.constantFrom(80, 443);
const RULE_PORT = fc.option(PORT, { nil: undefined, freq: 2 });
const NAME = fc.constantFrom('test', 'a.test', 'b.a.test', 'c.b.a.test', 'xa.test', 'b.test');

// Few bits differ, so that rules and targets meet.
const OCTET = fc.constantFrom(0, 1, 128, 254);
const V4 = fc.oneof(
  fc.tuple(fc.constant(10), OCTET, OCTET, OCTET),
  fc.tuple(fc.constantFrom(169, 168), fc.constantFrom(254, 255), OCTET, OCTET),
  fc.tuple(fc.constantFrom(127, 0), fc.constant(0), fc.constant(0), fc.constantFrom(0, 1)),
  fc.constant([100, 100, 100, 200] as const),
);
const GROUP = fc.constantFrom('0', '1', '8000', 'fe80', 'fd00', 'ec2', '254');
const V6 = fc
  .tuple(
    fc.constantFrom('fd00', 'fe80', '2606', 'febf'),
    fc.array(GROUP, { minLength: 7, maxLength: 7 }),
  )
  .map(([first, groups]) => [first, ...groups].join(':'));

const dotted = (octets: readonly number[]): string => octets.join('.');
const groups = (octets: readonly number[]): string =>
  [0, 2].map((i) => ((octets[i] ?? 0) * 256 + (octets[i + 1] ?? 0)).toString(16)).join(':');

/**
 * How IPv4 addresses are carried by others; whether a connection goes to them right away. Where a
 * form has room for several, the others are far from what rules are about.
 */
const CARRIED: readonly (readonly [boolean, (octets: readonly number[]) => string])[] = [
  [true, (octets) => `::ffff:${dotted(octets)}`],
  [true, (octets) => `0:0:0:0:0:ffff:${groups(octets)}`],
  [false, (octets) => `::ffff:0:${dotted(octets)}`],
  [false, (octets) => `64:ff9b::${groups(octets)}`],
  [false, (octets) => `64:ff9b:1:c1c1:c1:c1c1:${groups(octets)}`],
  [false, (octets) => `2002:${groups(octets)}::8000`],
  [false, (octets) => `2001:0:c1c1:c1c1:0:0:${groups(octets.map((octet) => 255 - octet))}`],
  [false, (octets) => `2606::5efe:${dotted(octets)}`],
  [false, (octets) => `fd00::200:5efe:${groups(octets)}`],
];

const reachedOf = (v4: string): string => (v4 === '0.0.0.0' ? '127.0.0.1' : v4);

const ADDRESS: fc.Arbitrary<Made> = fc.oneof(
  V4.map(dotted).map((v4) => ({ address: v4, reached: reachedOf(v4), leads: [v4, reachedOf(v4)] })),
  V6.map((v6) => ({ address: v6, reached: v6, leads: [v6] })),
  fc.tuple(V4, fc.constantFrom(...CARRIED)).map(([octets, [isMapped, carry]]) => {
    const address = carry(octets);
    const v4 = reachedOf(dotted(octets));
    const leads = [address, dotted(octets), v4];
    return { address, reached: isMapped ? v4 : address, leads };
  }),
);

const RULE: fc.Arbitrary<Rule> = fc.oneof(
  fc.record({ port: RULE_PORT, name: NAME, below: fc.boolean() }),
  fc.record({
    port: RULE_PORT,
    address: V4.map(dotted),
    prefix: fc.constantFrom(0, 7, 8, 16, 31, 32),
  }),
  fc.record({ port: RULE_PORT, address: V6, prefix: fc.constantFrom(0, 7, 10, 64, 112, 127, 128) }),
);

/** The rule as an operator writes it, without the bits that its prefix leaves out. */
function written(rule: Rule): string {
  const port = rule.port === undefined ? '' : `:${rule.port}`;
  if ('name' in rule) return `${rule.below ? '*.' : ''}${rule.name}${port}`;
  const isV4 = isIPv4(rule.address);
  const host = isWhole(rule) ? rule.address : `${cut(rule.address, rule.prefix)}/${rule.prefix}`;
  return isV4 || port === '' ? `${host}${port}` : `[${host}]${port}`;
}

const isWhole = (rule: Rule): boolean =>
  'address' in rule && rule.prefix === (isIPv4(rule.address) ? 32 : 128);

/** The first bits of an address, the others zero, group by group. */
function cut(address: string, prefix: number): string {
  const [mark, size, radix] = isIPv4(address) ? (['.', 8, 10] as const) : ([':', 16, 16] as const);
  return address
    .split(mark)
    .map((group, i) => {
      const kept = Math.min(size, Math.max(0, prefix - i * size));
      const mask = (2 ** size - 1) ^ (2 ** (size - kept) - 1);
      return (Number.parseInt(group, radix) & mask).toString(radix);
    })
    .join(mark);
}

/** Whether Node.js has an address in the range of a rule. */
function has(rule: Rule, address: string): boolean {
  if ('name' in rule || isIPv4(rule.address) !== isIPv4(address)) return false;
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  // One that names the address of nothing in particular is about the one that it reaches.
  const net = isWhole(rule) ? reachedOf(rule.address) : cut(rule.address, rule.prefix);
  list.addSubnet(net, rule.prefix, family);
  return list.check(address, family);
}

const DEFAULTS: readonly Rule[] = [
  { port: undefined, address: '169.254.0.0', prefix: 16 },
  { port: undefined, address: 'fe80:0:0:0:0:0:0:0', prefix: 10 },
  { port: undefined, address: 'fd00:ec2:0:0:0:0:0:254', prefix: 128 },
  { port: undefined, address: '100.100.100.200', prefix: 32 },
];

/** What is to be: whether it is denied. */
function isDenied(
  allow: readonly Rule[],
  deny: readonly Rule[],
  name: string | undefined,
  { leads, reached }: Made,
  port: number,
): boolean {
  const ofPort = (rule: Rule): boolean => rule.port === undefined || rule.port === port;
  const ofName = (rule: Rule): boolean => {
    if (name === undefined || !('name' in rule)) return false;
    return rule.below ? name.endsWith(`.${rule.name}`) : name === rule.name;
  };
  const allowed = allow.filter(ofPort);
  if (deny.filter(ofPort).some((rule) => ofName(rule) || leads.some((to) => has(rule, to)))) {
    return true;
  }
  if (allow.length > 0 && !allowed.some((rule) => ofName(rule) || has(rule, reached))) return true;
  const isLifted = (to: string): boolean =>
    allowed.some(
      (rule) =>
        ('name' in rule && !rule.below && ofName(rule)) ||
        has(rule, to) ||
        (isWhole(rule) && has(rule, reached)),
    );
  return leads.some((to) => DEFAULTS.some((rule) => has(rule, to)) && !isLifted(to));
}

it('random rules do with random targets what a simple model says', () => {
  const rules = fc.array(RULE, { maxLength: 4 });
  const tally = { denied: 0, allowed: 0 };
  fc.assert(
    fc.property(
      rules,
      rules,
      fc.option(NAME, { nil: undefined }),
      ADDRESS,
      PORT,
      (allow, deny, name, made, port) => {
        const policy = egressPolicy({
          allow: allow.map((rule) => parseEgressRule(written(rule))),
          deny: deny.map((rule) => parseEgressRule(written(rule))),
        });
        const target = { host: name ?? made.address, port };
        const denied = policy.denies(target, made.address) !== undefined;
        expect(denied).toBe(isDenied(allow, deny, name, made, port));
        // What is not even looked up has no address that could be reached.
        if (policy.deniesName(target) !== undefined) expect(denied).toBe(true);
        tally[denied ? 'denied' : 'allowed'] += 1;
      },
    ),
    { numRuns: 5_000 },
  );
  // Both have to have come up.
  expect(Math.min(tally.denied, tally.allowed)).toBeGreaterThan(500);
});
