import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Address,
  defaultAddress,
  formatAddress,
  isLoopback,
  parseAddress,
} from '../src/address.ts';

const tcp = (host: string, port: number): Address => ({ kind: 'tcp', host, port });
const unix = (path: string): Address => ({ kind: 'unix', path });

describe('reading an address', () => {
  it.each<[string, Address]>([
    ['unix:/run/runlet.sock', unix('/run/runlet.sock')],
    ['unix:relative.sock', unix('relative.sock')],
    ['unix:/with:colon and space', unix('/with:colon and space')],
    ['127.0.0.1:8080', tcp('127.0.0.1', 8080)],
    ['localhost:0', tcp('localhost', 0)],
    ['example.com:65535', tcp('example.com', 65_535)],
    ['[::1]:50051', tcp('::1', 50_051)],
    ['[2001:DB8::1]:1', tcp('2001:DB8::1', 1)],
    ['[::ffff:127.0.0.1]:1', tcp('::ffff:127.0.0.1', 1)],
  ])('takes %s', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });

  it.each([
    '',
    'localhost',
    'localhost:',
    ':8080',
    'localhost:http',
    'localhost:-1',
    'localhost:65536',
    'localhost:123456',
    'localhost:80 ',
    'localhost:1.5',
    '::1:80',
    '[::1]',
    '[::1]80',
    '[]:80',
    '[localhost]:80',
    '[::1:80',
    'http://localhost:80',
  ])('refuses "%s" and says what it expects', (text) => {
    expect(() => parseAddress(text)).toThrow(`address ${text}: expected unix:PATH or HOST:PORT`);
  });

  it('refuses a socket without a path', () => {
    expect(() => parseAddress('unix:')).toThrow('the path is missing');
  });
});

describe('writing an address', () => {
  it('puts an IPv6 host in brackets and no other', () => {
    expect(formatAddress(tcp('::1', 80))).toBe('[::1]:80');
    expect(formatAddress(tcp('127.0.0.1', 80))).toBe('127.0.0.1:80');
    expect(formatAddress(tcp('localhost', 80))).toBe('localhost:80');
    expect(formatAddress(unix('/a:b'))).toBe('unix:/a:b');
  });

  it('gives what reading it gives back', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    const address = fc.oneof(
      fc.record({ host, port: fc.nat(65_535) }).map(({ host, port }) => tcp(host, port)),
      fc.string({ unit: 'binary', minLength: 1 }).map(unix),
    );
    fc.assert(
      fc.property(address, (given) => {
        expect(parseAddress(formatAddress(given))).toEqual(given);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a loopback address', () => {
  it.each(['127.0.0.1', '127.255.255.254', 'localhost', '::1'])('is one on %s', (host) => {
    expect(isLoopback(tcp(host, 80))).toBe(true);
  });

  it('is any Unix socket', () => {
    expect(isLoopback(unix('/run/runlet.sock'))).toBe(true);
  });

  it.each([
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '192.168.1.1',
    '128.0.0.1',
    '1.127.0.0',
    '127.0.0.1.example.com',
    '127.example.com',
    'localhost.example.com',
    'notlocalhost',
    'example.com',
    '::2',
    'fe80::1',
    '::ffff:10.0.0.1',
  ])('is none on %s', (host) => {
    expect(isLoopback(tcp(host, 80))).toBe(false);
  });
});

describe('the default address', () => {
  it("is a socket in the user's runtime folder", () => {
    expect(defaultAddress({ XDG_RUNTIME_DIR: '/run/user/7' })).toEqual(
      unix('/run/user/7/runlet/runlet.sock'),
    );
  });

  it.each([{}, { XDG_RUNTIME_DIR: '' }])(
    'is in a folder of the user for temporary files if there is none: %o',
    (env) => {
      const address = defaultAddress(env);
      const path = address.kind === 'unix' ? address.path : '';
      expect(dirname(dirname(path))).toBe(tmpdir());
      expect(dirname(path)).toMatch(/runlet-\d+$/);
      expect(path).toBe(join(dirname(path), 'runlet.sock'));
    },
  );
});
