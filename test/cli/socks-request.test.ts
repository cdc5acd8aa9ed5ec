import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MAX_SOCKS_BYTES,
  type SocksParsed,
  socks4Request,
  socks5Greeting,
  socks5Request,
  socksVersion,
} from '../../src/cli/socks-request.ts';

const bytes = (...parts: readonly (number | string | readonly number[])[]): Buffer =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part) : Buffer.from([part].flat() as number[]),
    ),
  );

type Parser = (all: Buffer) => SocksParsed<unknown>;

const PARSERS: readonly Parser[] = [socksVersion, socks5Greeting, socks5Request, socks4Request];

/** What is said, and where it leads. */
const REQUESTS: readonly (readonly [string, Parser, Buffer, string, number])[] = [
  ['an address', socks5Request, bytes([5, 1, 0, 1], [10, 0, 0, 1], [0, 80]), '10.0.0.1', 80],
  ['a name', socks5Request, bytes([5, 1, 0, 3, 7], 'db.here', [21, 56]), 'db.here', 5432],
  [
    'an address of IPv6',
    socks5Request,
    bytes([5, 1, 0, 4], [0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1], [1, 187]),
    '2001:db8:0:0:0:0:0:1',
    443,
  ],
  ['version 4', socks4Request, bytes([4, 1, 0, 80], [10, 0, 0, 1], 'me', 0), '10.0.0.1', 80],
  ['version 4a', socks4Request, bytes([4, 1, 0, 80], [0, 0, 0, 9], 0, 'db.here', 0), 'db.here', 80],
];

/** What is refused, and with which code of the answer. */
const REFUSED: readonly (readonly [string, Parser, Buffer, readonly number[]])[] = [
  ['another protocol', socksVersion, bytes('GET / HTTP/1.1\r\n'), []],
  ['authentication alone', socks5Greeting, bytes([5, 1, 2]), [5, 255]],
  ['no method at all', socks5Greeting, bytes([5, 0]), [5, 255]],
  ['another version within', socks5Request, bytes([4, 1, 0, 1, 0, 0]), [5, 1]],
  ['a reserved byte', socks5Request, bytes([5, 1, 1, 1, 0, 0]), [5, 1]],
  ['BIND', socks5Request, bytes([5, 2, 0, 1, 0, 0]), [5, 7]],
  ['UDP', socks5Request, bytes([5, 3, 0, 1, 0, 0]), [5, 7]],
  ['an unknown kind of address', socks5Request, bytes([5, 1, 0, 2, 0, 0]), [5, 8]],
  ['port 0', socks5Request, bytes([5, 1, 0, 1], [10, 0, 0, 1], [0, 0]), [5, 1]],
  ['an empty name', socks5Request, bytes([5, 1, 0, 3, 0], [0, 80]), [5, 1]],
  ['a name with NUL', socks5Request, bytes([5, 1, 0, 3, 3], 'a\0b', [0, 80]), [5, 1]],
  ['a name with a line end', socks5Request, bytes([5, 1, 0, 3, 3], 'a\nb', [0, 80]), [5, 1]],
  ['BIND of version 4', socks4Request, bytes([4, 2, 0, 80], [10, 0, 0, 1], 0), [0, 91]],
  ['an empty name of version 4a', socks4Request, bytes([4, 1, 0, 80], [0, 0, 0, 1], 0, 0), [0, 91]],
  [
    'a user without an end',
    socks4Request,
    bytes([4, 1, 0, 80], [10, 0, 0, 1], 'u'.repeat(256)),
    [0, 91],
  ],
  [
    'a name without an end',
    socks4Request,
    bytes([4, 1, 0, 80], [0, 0, 0, 1], 0, 'n'.repeat(256)),
    [0, 91],
  ],
];

describe('a SOCKS request', () => {
  it.each(REQUESTS)('for %s', (_, parse, said, host, port) => {
    const rest = Buffer.from('what follows');
    const done = { kind: 'done', value: { kind: 'host', host, port }, bytes: said.length };
    expect(parse(Buffer.concat([said, rest]))).toEqual(done);
  });

  it.each(REQUESTS)('for %s waits for its last byte', (_, parse, said) => {
    for (let length = 0; length < said.length; length += 1) {
      expect(parse(said.subarray(0, length)).kind).toBe('more');
    }
  });

  it.each(REFUSED)('is refused with %s', (_, parse, said, answer) => {
    const parsed = parse(said);
    expect(parsed.kind).toBe('refused');
    if (parsed.kind === 'refused') {
      expect([...parsed.answer].slice(0, answer.length)).toEqual(answer);
      expect(parsed.answer.length === 0).toBe(answer.length === 0);
    }
  });

  it('is never waited for without end, nor taken to be longer than it is, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2 * MAX_SOCKS_BYTES }), (said) => {
        for (const parse of PARSERS) {
          const parsed = parse(Buffer.from(said));
          if (parsed.kind === 'more') expect(said.length).toBeLessThanOrEqual(MAX_SOCKS_BYTES);
          if (parsed.kind === 'done') expect(parsed.bytes).toBeLessThanOrEqual(said.length);
        }
      }),
    );
  });
});
