import { describe, expect, it } from 'vitest';
import { parseEgressRule } from '../../../src/network/egress/egress-rule.ts';
import { formatIp } from '../../../src/network/ip-address.ts';

/** A rule as it was understood. */
function understood(text: string): string {
  const rule = parseEgressRule(text);
  const port = rule.port === undefined ? '' : ` port ${rule.port}`;
  if (rule.kind === 'range') return `${formatIp(rule.range)}/${rule.range.prefix}${port}`;
  return `${rule.kind} ${rule.name}${port}`;
}

describe('a rule', () => {
  it.each([
    ['example.org', 'name example.org'],
    ['Example.ORG.', 'name example.org'],
    ['example.org:443', 'name example.org port 443'],
    ['[example.org]:443', 'name example.org port 443'],
    ['*.example.org', 'below example.org'],
    ['*.EXAMPLE.org.:8443', 'below example.org port 8443'],
    ['*.bücher.example', 'below xn--bcher-kva.example'],
    ['BÜCHER.example', 'name xn--bcher-kva.example'],
    ['ｅｘａｍｐｌｅ。org', 'name example.org'],
    ['_service.example.org', 'name _service.example.org'],
    ['localhost', 'name localhost'],
    ['10.0.0.1', '10.0.0.1/32'],
    ['10.0.0.1:80', '10.0.0.1/32 port 80'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.0.0.0/8:443', '10.0.0.0/8 port 443'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['0.0.0.0/0:25', '0.0.0.0/0 port 25'],
    ['0.0.0.0', '127.0.0.1/32'],
    ['::', '::1/128'],
    ['::/0', '::/0'],
    ['fd00::1', 'fd00::1/128'],
    ['[fd00::1]', 'fd00::1/128'],
    ['[fd00::1]:443', 'fd00::1/128 port 443'],
    ['fd00::/8', 'fd00::/8'],
    ['[fd00::/8]:443', 'fd00::/8 port 443'],
    ['FD00:0:0::/8', 'fd00::/8'],
    ['::ffff:10.0.0.1', '10.0.0.1/32'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
    ['64:ff9b::/96', '64:ff9b::/96'],
  ])('%s is understood', (text, expected) => {
    expect(understood(text)).toBe(expected);
    expect(parseEgressRule(text).text).toBe(text);
  });

  const NO_HOST = 'it is no name, no address and no range such as 10.0.0.0/8';
  const NO_RANGE = 'it is no range of addresses, such as 10.0.0.0/8 or fd00::/8';
  const NO_PORT = 'the port must be a number from 1 to 65535';
  const NO_BRACKETS = 'brackets are written as [ADDRESS] or [ADDRESS]:PORT';
  const STAR = 'a * can only stand before the first dot of a name: *.example.org';
  it.each([
    ['', NO_HOST],
    [':443', NO_HOST],
    ['.', NO_HOST],
    ['a..b', NO_HOST],
    ['.example.org', NO_HOST],
    ['exa mple.org', NO_HOST],
    ['user@example.org', NO_HOST],
    ['example.org\0', NO_HOST],
    ['example%2eorg', NO_HOST],
    ['256.1.1.1', NO_HOST],
    [`${'a'.repeat(64)}.org`, NO_HOST],
    [`${'a.'.repeat(127)}org`, NO_HOST],
    ['*', 'write 0.0.0.0/0 for all addresses of IPv4, and ::/0 for those of IPv6'],
    ['**.example.org', STAR],
    ['a*.example.org', STAR],
    ['example.*', STAR],
    ['*.10.0.0.1', STAR],
    ['*.', STAR],
    ['127.1', 'write the address as 127.0.0.1'],
    ['2130706433', 'write the address as 127.0.0.1'],
    ['0x7f.0.0.1', 'write the address as 127.0.0.1'],
    ['10/8', NO_RANGE],
    ['example.org/8', NO_RANGE],
    ['10.0.0.0/8/8', NO_RANGE],
    ['fe80::%eth0/10', NO_RANGE],
    ['10.0.0.0/', 'the prefix must be a number from 0 to 32'],
    ['10.0.0.0/33', 'the prefix must be a number from 0 to 32'],
    ['10.0.0.0/-1', 'the prefix must be a number from 0 to 32'],
    ['10.0.0.0/+8', 'the prefix must be a number from 0 to 32'],
    ['10.0.0.0/255.0.0.0', 'the prefix must be a number from 0 to 32'],
    ['fd00::/129', 'the prefix must be a number from 0 to 128'],
    ['10.0.0.1/8', 'it has bits after its prefix; write 10.0.0.0/8, or the address alone'],
    ['fd00::1/8', 'it has bits after its prefix; write fd00::/8, or the address alone'],
    ['fe80::1%eth0', 'an address is written without its zone'],
    ['fd00::/8:443', 'what is of IPv6 is written as [ADDRESS]:PORT where it has a port'],
    ['a:b:c', 'what is of IPv6 is written as [ADDRESS]:PORT where it has a port'],
    ['https://example.org', 'it is a URL; write its host alone, or HOST:PORT'],
    ['example.org:', NO_PORT],
    ['example.org:0', NO_PORT],
    ['example.org:65536', NO_PORT],
    ['example.org:https', NO_PORT],
    ['example.org:-1', NO_PORT],
    ['[fd00::1]:', NO_PORT],
    ['[fd00::1', NO_BRACKETS],
    ['[fd00::1]443', NO_BRACKETS],
    ['[]:443', NO_BRACKETS],
    ['[[fd00::1]]', NO_BRACKETS],
  ])('%j is refused, and why', (text, problem) => {
    expect(() => parseEgressRule(text)).toThrow(new Error(problem));
  });
});
