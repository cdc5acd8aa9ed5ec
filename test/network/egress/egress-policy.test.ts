import { describe, expect, it } from 'vitest';
import { egressPolicy } from '../../../src/network/egress/egress-policy.ts';
import { parseEgressRule } from '../../../src/network/egress/egress-rule.ts';
import { reachedAddress } from '../../../src/network/egress/reached-address.ts';

interface Rules {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** Why an address may not be reached that a host has led to. */
function why({ allow = [], deny = [] }: Rules, host: string, address = host, port = 80) {
  const rules = { allow: allow.map(parseEgressRule), deny: deny.map(parseEgressRule) };
  return egressPolicy(rules).denies({ host, port }, address);
}

/** Forms of an address of IPv4, by its numbers. */
const FORMS: readonly (readonly [string, (v4: string) => string])[] = [
  ['itself', (v4) => v4],
  ['mapped', (v4) => `::ffff:${v4}`],
  ['mapped, with a zone', (v4) => `::ffff:${v4}%1`],
  ['mapped, in full', (v4) => `0:0:0:0:0:FFFF:${hex(v4)}`],
  ['compatible', (v4) => `::${v4}`],
  ['translated', (v4) => `::ffff:0:${v4}`],
  ['NAT64', (v4) => `64:ff9b::${v4}`],
  ['NAT64 for local use, /96', (v4) => `64:ff9b:1:2:3::${v4}`],
  ['NAT64 for local use, /48', (v4) => `64:ff9b:1:${middle(v4, 2)}`],
  ['NAT64 for local use, /56', (v4) => `64:ff9b:1:${middle(v4, 1)}`],
  ['NAT64 for local use, /64', (v4) => `64:ff9b:1:7:${middle(v4, 0)}`],
  ['6to4', (v4) => `2002:${hex(v4)}::1`],
  ['Teredo, the client', (v4) => `2001:0:102:304:0:0:${hex(inverted(v4))}`],
  ['Teredo, the server', (v4) => `2001:0:${hex(v4)}::1`],
  ['ISATAP', (v4) => `2001:db8::5efe:${v4}`],
  ['ISATAP, of a unique address', (v4) => `2001:db8::200:5efe:${v4}`],
];

const octets = (v4: string): number[] => v4.split('.').map(Number);

const hex = (v4: string): string => {
  const [a = 0, b = 0, c = 0, d = 0] = octets(v4);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
};

const inverted = (v4: string): string =>
  octets(v4)
    .map((octet) => 255 - octet)
    .join('.');

/** So many octets before the one that RFC 6052 leaves out, and the others after it. */
function middle(v4: string, before: number): string {
  const parts = octets(v4);
  const filled = [
    ...(before === 1 ? [7] : []),
    ...parts.slice(0, before),
    0,
    ...parts.slice(before),
    ...[0, 0, 0, 0, 0, 0, 0],
  ];
  const groups: string[] = [];
  const count = before === 0 ? 8 : 10;
  for (let i = 0; i < count; i += 2) {
    groups.push(((filled[i] ?? 0) * 256 + (filled[i + 1] ?? 0)).toString(16));
  }
  return groups.join(':');
}

describe.each(FORMS)('an address in the form: %s', (_form, form) => {
  it.each(['169.254.169.254', '169.254.0.1', '100.100.100.200'])(
    'that leads to %s is denied by default',
    (v4) => {
      expect(why({}, form(v4))).toMatch(/^default /);
    },
  );

  it('that leads to another is not', () => {
    expect(why({}, form('93.184.215.14'))).toBeUndefined();
  });

  it('is denied by what denies where it leads, and by a range that has it', () => {
    const deny = ['10.1.0.0/16'];
    expect(why({ deny }, form('10.1.2.3'))).toBe('--egress-deny 10.1.0.0/16');
    expect(why({ deny }, form('10.2.2.3'))).toBeUndefined();
    expect(why({ deny: ['10.1.2.3:80'] }, form('10.1.2.3'))).toBe('--egress-deny 10.1.2.3:80');
    expect(why({ deny: ['10.1.2.3:81'] }, form('10.1.2.3'))).toBeUndefined();
  });

  it('is denied whatever names it as allowed', () => {
    const address = form('10.1.2.3');
    const allow = ['0.0.0.0/0', '::/0', '10.1.2.3', address.replace(/%.*/, '')];
    expect(why({ allow, deny: ['10.1.2.3'] }, address)).toBe('--egress-deny 10.1.2.3');
  });

  it('is no way around a denial of the loopback address', () => {
    const deny = ['127.0.0.0/8'];
    expect(why({ deny }, form('127.0.0.1'))).toBe('--egress-deny 127.0.0.0/8');
    expect(why({ deny }, form('0.0.0.0'))).toBe('--egress-deny 127.0.0.0/8');
  });

  it('is lifted from a default denial by what names where it leads, if it may be reached', () => {
    const address = form('169.254.169.254').replace(/%.*/, '');
    expect(why({ allow: [address] }, address)).toBeUndefined();
    expect(why({ allow: ['169.254.0.0/16', '::/0'] }, address)).toBeUndefined();
    expect(why({ allow: ['169.254.0.0/16:80', '::/0'] }, address)).toBeUndefined();
    expect(why({ allow: ['169.254.0.0/16:81', '::/0', '0.0.0.0/0:81'] }, address)).toBeDefined();
  });
});

describe('default denials', () => {
  it.each([
    'fe80::1',
    'fe80::1%eth0',
    'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'FE80::A9FE:A9FE',
    'fd00:ec2::254',
    'FD00:0EC2:0:0:0:0:0:0254',
    'fd00:ec2::0.0.2.84',
    '169.254.255.255',
  ])('are of %s', (address) => {
    expect(why({}, address)).toMatch(/^default /);
  });

  it.each([
    'fec0::1',
    'fe7f::1',
    'fd00:ec2::253',
    'fd00:ec2::255',
    '169.253.255.255',
    '169.255.0.0',
    '100.100.100.199',
    '100.100.100.201',
    '127.0.0.1',
    '::1',
    '0.0.0.0',
    '10.0.0.1',
    'fd00::1',
  ])('are not of %s', (address) => {
    expect(why({}, address)).toBeUndefined();
  });

  it.each([
    ['the address', '169.254.169.254'],
    ['a range', '169.254.0.0/16'],
    ['all', '0.0.0.0/0'],
    ['the name', 'meta.example.org'],
    ['the name and the port', 'meta.example.org:80'],
  ])('are lifted by a rule for %s', (_what, rule) => {
    expect(why({ allow: [rule] }, 'meta.example.org', '169.254.169.254')).toBeUndefined();
  });

  it.each([
    ['all names below one', ['*.example.org']],
    ['these and another port', ['*.example.org', '169.254.169.254:81']],
    ['these and IPv6', ['*.example.org', '::/0']],
  ])('are not lifted by a rule for %s', (_what, allow) => {
    const denied = why({ allow }, 'meta.example.org', '169.254.169.254');
    expect(denied).toBe('default 169.254.0.0/16');
  });

  it('are not lifted by a range of IPv6 that carries the address', () => {
    const address = '64:ff9b::169.254.169.254';
    expect(why({ allow: ['64:ff9b::/96'] }, address)).toBe('default 169.254.0.0/16');
    expect(why({ allow: ['64:ff9b::/96'] }, '64:ff9b::10.0.0.1')).toBeUndefined();
  });
});

describe('rules for names', () => {
  const asked = (rules: Rules, host: string, port = 80): string | undefined =>
    egressPolicy({
      allow: rules.allow?.map(parseEgressRule),
      deny: rules.deny?.map(parseEgressRule),
    }).deniesName({ host, port });

  it.each(['example.org', 'EXAMPLE.org', 'example.org.', 'ｅxample。org'])(
    'are of %s however it is written',
    (host) => {
      expect(asked({ deny: ['example.org'] }, host)).toBe('--egress-deny example.org');
      expect(asked({ allow: ['example.org'] }, host)).toBeUndefined();
      expect(why({ allow: ['example.org'] }, host, '192.0.2.1')).toBeUndefined();
    },
  );

  it('below one are of all of them, but not of that', () => {
    const deny = ['*.example.org'];
    for (const host of ['a.example.org', 'a.b.example.org', 'A.EXAMPLE.ORG.']) {
      expect(asked({ deny }, host)).toBe('--egress-deny *.example.org');
    }
    for (const host of ['example.org', 'aexample.org', 'example.org.a', 'org']) {
      expect(asked({ deny }, host)).toBeUndefined();
    }
  });

  it('have a name not even looked up that no address would help', () => {
    const none = 'no --egress-allow names it';
    expect(asked({ allow: ['example.org:443'] }, 'example.org', 443)).toBeUndefined();
    expect(asked({ allow: ['example.org:443'] }, 'example.org', 80)).toBe(none);
    expect(asked({ allow: ['example.org'] }, 'secret.example.com')).toBe(none);
    expect(asked({ allow: ['example.org', '10.0.0.0/8:443'] }, 'x.example.com')).toBe(none);
    expect(asked({ allow: ['example.org', '10.0.0.0/8'] }, 'x.example.com')).toBeUndefined();
  });

  it('say nothing of addresses', () => {
    expect(asked({ allow: ['example.org'] }, '192.0.2.1')).toBeUndefined();
    expect(why({ allow: ['example.org'] }, '192.0.2.1')).toBe('no --egress-allow names it');
  });

  it('that deny win over those that allow', () => {
    const rules = { allow: ['example.org'], deny: ['example.org:80'] };
    expect(asked(rules, 'example.org')).toBe('--egress-deny example.org:80');
    expect(asked(rules, 'example.org', 443)).toBeUndefined();
    const byAddress = { allow: ['example.org'], deny: ['192.0.2.0/24'] };
    expect(why(byAddress, 'example.org', '192.0.2.1')).toBe('--egress-deny 192.0.2.0/24');
  });
});

describe('where a connection to an address goes', () => {
  it.each([
    ['0.0.0.0', '127.0.0.1'],
    ['::', '::1'],
    ['0:0:0:0:0:0:0:0', '::1'],
    ['::ffff:0.0.0.0', '127.0.0.1'],
    ['::ffff:7f00:1', '127.0.0.1'],
    ['::FFFF:10.0.0.1%1', '10.0.0.1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['fd00::1%eth0', 'fd00::1'],
    ['::10.0.0.1', '::10.0.0.1'],
    ['10.0.0.1', '10.0.0.1'],
  ])('%s: %s', (address, expected) => {
    expect(reachedAddress(address)).toBe(expected);
  });
});

describe("the server's own listeners", () => {
  const own = egressPolicy({
    allow: ['0.0.0.0/0', '::/0', 'localhost', '127.0.0.1:50051'].map(parseEgressRule),
    own: ({ family, bits }, port) => family === 4 && bits === 0x7f00_0001n && port === 50_051,
  });

  it.each(['127.0.0.1', '0.0.0.0', '::ffff:127.0.0.1', '::ffff:0:0', '64:ff9b::7f00:1'])(
    'are not reached by %s, whatever is allowed',
    (address) => {
      const target = { host: 'localhost', port: 50_051 };
      expect(own.denies(target, address)).toBe('the server listens there');
      expect(own.denies({ ...target, port: 50_052 }, address)).toBeUndefined();
    },
  );
});
