/*
 * Attempts to reach what is denied, and where they would lead. In the room of the tests all of the
 * addresses are there and listened at.
 */

/** An attempt. */
export interface Trick {
  readonly what: string;
  /** As it is asked for. */
  readonly host: string;
  /** Default: 80. */
  readonly port?: number;
  /** How it is refused: it may not be reached, or it is no name at all. */
  readonly ends: 'denied' | 'no name';
  /** False: a URL cannot have such a host. Default: true. */
  readonly inUrl?: boolean;
}

/** Ports at which all addresses are listened at. */
export const PORTS = [80, 8080];

/** Addresses that the machine has there. */
export const ADDRESSES = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.0.1',
  '100.100.100.200',
  '10.0.0.1',
  '10.0.0.5',
  '10.1.0.1',
  '192.0.2.7',
  'fe80::1',
  'febf::ffff',
  'fd00:ec2::254',
  'fd00:ec2::253',
  '::169.254.169.254',
  '::100.100.100.200',
  '::ffff:0:169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b::6464:64c8',
  '64:ff9b:1::a9fe:a9fe',
  '64:ff9b:1:a9fe:a9:fe00::',
  '64:ff9b:1:7a9:fe:a9fe::',
  '64:ff9b:1:7:a9:fea9:fe00:0',
  '2002:a9fe:a9fe::1',
  '2002:6464:64c8:1::1',
  '2001:0:102:304::5601:5601',
  '2001:0:a9fe:a9fe::1',
  '2001:db8::5efe:a9fe:a9fe',
  '2001:db8::200:5efe:a9fe:a9fe',
  'fe80::5efe:c000:207',
  '64:ff9b::a00:1',
  '2002:a00:1::1',
  '2001:db8::1',
] as const;

/** Ranges that lead there by a route alone. */
export const ROUTES = ['10.9.0.0/16'];

/** What names lead to. */
export const NAMES: Readonly<Record<string, string>> = {
  'metadata.google.internal': '169.254.169.254',
  'meta.example.org': '169.254.169.254',
  'mixed.example.org': '10.0.0.5 169.254.169.254',
  'dual.example.org': '10.0.0.5 fd00:ec2::254',
  'mapped.example.org': '::ffff:169.254.169.254',
  'nat64.example.org': '64:ff9b::a9fe:a9fe',
  'sixtofour.example.org': '2002:a9fe:a9fe::1',
  'alibaba.example.org': '100.100.100.200',
  'link.example.org': 'fe80::1',
  'good.example.org': '10.0.0.5',
  'evil.example.org': '10.0.0.5',
  'inner.evil.example.org': '10.0.0.5',
  'xn--bse-sna.example.org': '10.0.0.5',
  'hides.example.org': '10.0.0.1',
  'ported.example.org': '192.0.2.7',
  'outside.example.com': '192.0.2.7',
  'good.example.org.attacker.test': '192.0.2.7',
  'attackerexample.org': '192.0.2.7',
  'example.org': '192.0.2.7',
};

const denied = (what: string, host: string, more: Partial<Trick> = {}): Trick => ({
  what,
  host,
  ends: 'denied',
  ...more,
});

const noName = (what: string, host: string): Trick => ({ what, host, ends: 'no name' });

/** A zone is nothing that a URL has: RFC 6874 was never taken up by WHATWG. */
const zoned = (what: string, host: string): Trick => denied(what, host, { inUrl: false });

/**
 * Whether it can be reached where nothing denies it: an address of the link is not without its
 * zone, nor by a zone's number.
 */
export function isThere({ host }: Trick): boolean {
  return !['fe80::1', 'fe80::1%1', 'link.example.org'].includes(host);
}

/** Of a server of which nothing is said. */
export const BY_DEFAULT: readonly Trick[] = [
  denied('metadata', '169.254.169.254'),
  denied('metadata, at another port', '169.254.169.254', { port: 8080 }),
  denied('metadata of containers', '169.254.170.2'),
  denied('an address of the link', '169.254.0.1'),
  denied('metadata of Alibaba, in the range of carriers', '100.100.100.200'),
  denied('metadata, by IPv6', 'fd00:ec2::254'),
  denied('metadata, by IPv6 in full', 'fd00:0ec2:0000:0000:0000:0000:0000:0254'),
  denied('metadata, by IPv6 in capitals', 'FD00:EC2::254'),
  denied('metadata, by IPv6 with dots', 'fd00:ec2::0.0.2.84'),
  zoned('metadata, by IPv6 with a zone', 'fd00:ec2::254%lo'),
  zoned('an address of the link, by IPv6', 'fe80::1%lo'),
  zoned('an address of the link, by the number of its zone', 'fe80::1%1'),
  zoned('the last range of the link', 'febf::ffff%lo'),
  denied('an address of the link, without a zone', 'fe80::1'),
  denied('one number', '2852039166'),
  denied('one number in hex', '0xA9FEA9FE'),
  denied('one number in octal', '025177524776'),
  denied('numbers in hex', '0xa9.0xfe.0xa9.0xfe'),
  denied('numbers in octal', '0251.0376.0251.0376'),
  denied('numbers in octal with more zeros', '0000251.000376.0251.0376'),
  denied('two numbers', '169.16689662'),
  denied('three numbers', '169.254.43518'),
  denied('numbers of all kinds', '0xa9.254.0251.254'),
  denied('a trailing dot', '169.254.169.254.'),
  denied('full-width digits', '１６９.２５４.１６９.２５４'),
  denied('ideographic dots', '169。254。169。254'),
  denied('circled digits', '①⑥⑨.254.169.254'),
  denied('one number in hex, of Alibaba', '0x646464c8'),
  denied('mapped', '::ffff:169.254.169.254'),
  denied('mapped, in hex', '::ffff:a9fe:a9fe'),
  denied('mapped, in full', '0:0:0:0:0:FFFF:A9FE:A9FE'),
  denied('mapped, of Alibaba', '::ffff:100.100.100.200'),
  zoned('mapped, with a zone', '::ffff:169.254.169.254%lo'),
  denied('compatible', '::169.254.169.254'),
  denied('compatible, of Alibaba', '::6464:64c8'),
  denied('translated', '::ffff:0:169.254.169.254'),
  denied('NAT64', '64:ff9b::169.254.169.254'),
  denied('NAT64, of Alibaba', '64:ff9b::6464:64c8'),
  denied('NAT64 for local use, /96', '64:ff9b:1::a9fe:a9fe'),
  denied('NAT64 for local use, /48', '64:ff9b:1:a9fe:a9:fe00::'),
  denied('NAT64 for local use, /56', '64:ff9b:1:7a9:fe:a9fe::'),
  denied('NAT64 for local use, /64', '64:ff9b:1:7:a9:fea9:fe00:0'),
  denied('6to4', '2002:a9fe:a9fe::1'),
  denied('6to4, of Alibaba', '2002:6464:64c8:1::1'),
  denied('Teredo, the client', '2001:0:102:304::5601:5601'),
  denied('Teredo, the server', '2001:0:a9fe:a9fe::1'),
  denied('ISATAP', '2001:db8::5efe:a9fe:a9fe'),
  denied('ISATAP, of a unique address', '2001:db8::200:5efe:a9fe:a9fe'),
  zoned('ISATAP, of the link', 'fe80::5efe:c000:207%lo'),
  denied('a name of metadata', 'metadata.google.internal'),
  denied('a name of metadata in capitals', 'METADATA.Google.Internal'),
  denied('a name of metadata with a trailing dot', 'metadata.google.internal.'),
  denied('a name that leads to metadata', 'meta.example.org'),
  denied('a name that leads to metadata as well', 'mixed.example.org'),
  denied('a name that leads to metadata of IPv6 as well', 'dual.example.org'),
  denied('a name that leads to a mapped address', 'mapped.example.org'),
  denied('a name that leads to one of NAT64', 'nat64.example.org'),
  denied('a name that leads to one of 6to4', 'sixtofour.example.org'),
  denied('a name that leads to one of Alibaba', 'alibaba.example.org'),
  denied('a name that leads to the link', 'link.example.org'),
  denied('a name in full-width letters', 'ｍｅｔａ．example。org'),
  denied('a name with what is not seen', 'me\u00adta.exam\u200bple.org'),
];

/** What is no host, of any server; a URL would be read in another way. */
export const NO_NAMES: readonly Trick[] = [
  noName('brackets', '[169.254.169.254]'),
  noName('brackets of IPv6', '[::ffff:169.254.169.254]'),
  noName('a user', 'good.example.org@169.254.169.254'),
  noName('a port in the host', '169.254.169.254:80'),
  noName('a path', '169.254.169.254/x'),
  noName('a query', 'good.example.org?.169.254.169.254'),
  noName('what follows a name', 'good.example.org#@169.254.169.254'),
  noName('the end of a text in C', 'meta.example.org\0.good.example.org'),
  noName('a space', ' 169.254.169.254'),
  noName('a line', '169.254.169.254\n'),
  noName('an escaped dot', '169%2e254.169.254'),
  noName('an escaped end', 'meta.example.org%00'),
  noName('numbers that are too large', '425.510.425.510'),
  noName('five numbers', '169.254.169.254.0'),
  noName('no label', 'meta..example.org'),
  noName('a scheme', 'http://169.254.169.254'),
];

/** A server that allows little, and what is denied there. */
export const NARROW_FLAGS = [
  ...['--egress-allow', '*.example.org:80', '--egress-allow', '10.0.0.0/16'],
  ...['--egress-allow', '::/0', '--egress-deny', '10.0.0.1'],
  ...['--egress-deny', '*.evil.example.org', '--egress-deny', 'evil.example.org'],
  ...['--egress-deny', 'böse.example.org'],
];

export const NARROWED: readonly Trick[] = [
  denied('a name that is denied', 'evil.example.org'),
  denied('a name that is denied, in capitals', 'EVIL.Example.ORG'),
  denied('a name that is denied, with a trailing dot', 'evil.example.org.'),
  denied('a name that is denied, in full-width letters', 'ｅｖｉｌ.example.org'),
  denied('a name below one that is denied', 'inner.evil.example.org'),
  denied('a name of IDNA that is denied', 'BÖSE.example.org'),
  denied('a name of IDNA that is denied, as DNS has it', 'XN--BSE-SNA.example.org'),
  denied('a name that leads to what is denied', 'hides.example.org'),
  denied('an address that is denied', '10.0.0.1'),
  denied('an address that is denied, as a number', '167772161'),
  denied('an address that is denied, mapped', '::ffff:10.0.0.1'),
  denied('an address that is denied, by NAT64', '64:ff9b::10.0.0.1'),
  denied('an address that is denied, by 6to4', '2002:a00:1::1'),
  denied('a name that nothing allows', 'outside.example.com'),
  denied('a name that is allowed, at another port', 'ported.example.org', { port: 8080 }),
  denied('a name that is not below the one that is allowed', 'example.org'),
  denied('a name that ends like one', 'attackerexample.org'),
  denied('a name that begins like one', 'good.example.org.attacker.test'),
  denied('an address that nothing allows', '192.0.2.7'),
  denied('an address beside the range', '10.1.0.1'),
  denied('metadata, by a name below the one that is allowed', 'meta.example.org'),
  denied('metadata, by a range of IPv6 with it', '64:ff9b::a9fe:a9fe'),
  denied('metadata, compatible, by a range of IPv6', '::a9fe:a9fe'),
];

/** Attempts to reach the server itself, whose port is filled in, and with all allowed. */
export const OWN: readonly Trick[] = [
  denied('loopback', '127.0.0.1'),
  denied('another address of loopback', '127.9.9.9'),
  denied('localhost', 'localhost'),
  denied('localhost in capitals', 'LOCALHOST.'),
  denied('loopback of IPv6', '::1'),
  denied('loopback, mapped', '::ffff:127.0.0.1'),
  denied('no address in particular', '0.0.0.0'),
  denied('no address in particular, of IPv6', '::'),
  denied('no address in particular, as a number', '0'),
  denied('no address in particular, mapped', '::ffff:0.0.0.0'),
  denied('one number', '2130706433'),
  denied('numbers in hex', '0x7f.1'),
  denied('an address of an interface', '10.0.0.5'),
  denied('an address of an interface, of IPv6', '2001:db8::1'),
  zoned('an address of the link', 'fe80::1%lo'),
  denied('a name of an interface', 'good.example.org'),
  denied('an address that is there by a route alone', '10.9.1.2'),
];

/** What a URL hides, and how it is refused: it may not be reached, or a request cannot have it. */
export const URLS: readonly (readonly [what: string, url: string, ends: 'denied' | 'invalid'])[] = [
  ['a user that looks like a host', 'http://good.example.org@169.254.169.254/', 'invalid'],
  ['a user and a password', 'http://good.example.org:80@169.254.169.254:80/', 'invalid'],
  ['a fragment before the user', 'http://169.254.169.254#@good.example.org/', 'denied'],
  ['a query before the user', 'http://169.254.169.254?@good.example.org/', 'denied'],
  ['a backslash before the user', 'http://169.254.169.254\\@good.example.org/', 'denied'],
  ['two backslashes', 'http:\\\\169.254.169.254/', 'denied'],
  ['one slash', 'http:/169.254.169.254/', 'denied'],
  ['three slashes', 'http:///169.254.169.254/', 'denied'],
  ['escaped digits', 'http://%31%36%39.254.169.254/', 'denied'],
  ['escaped dots', 'http://169%2e254%2E169%2e254/', 'denied'],
  ['an escaped end', 'http://meta.example.org%00.good.example.org/', 'invalid'],
  ['the standard port', 'http://169.254.169.254:80/', 'denied'],
  ['a port with zeros', 'http://169.254.169.254:00080/', 'denied'],
  ['no port', 'http://169.254.169.254:/', 'denied'],
  ['capitals', 'HTTP://META.EXAMPLE.ORG/', 'denied'],
  ['TLS', 'https://169.254.169.254:8080/', 'denied'],
  ['a zone', 'http://[fe80::1%25lo]/', 'invalid'],
  ['another scheme', 'file:///etc/passwd', 'invalid'],
];
