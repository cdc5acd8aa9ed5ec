import { describe, expect, it } from 'vitest';
import { forwardSpec, listenPlace, placeText } from '../../src/cli/forward-spec.ts';

/** What is typed, where it listens, and where it leads. */
const SPECS: readonly (readonly [string, string, string])[] = [
  ['localhost:80', '127.0.0.1:80', 'localhost:80'],
  ['8080:db.internal:5432', '127.0.0.1:8080', 'db.internal:5432'],
  ['0:10.0.0.1:5432', '127.0.0.1:0', '10.0.0.1:5432'],
  ['0.0.0.0:8080:host:80', '0.0.0.0:8080', 'host:80'],
  ['localhost:8080:host:80', 'localhost:8080', 'host:80'],
  ['[::1]:8080:[fe80::1%eth0]:80', '[::1]:8080', '[fe80::1%eth0]:80'],
  ['[::1]:80', '127.0.0.1:80', '[::1]:80'],
  ['8080:/run/db.sock', '127.0.0.1:8080', '/run/db.sock'],
  ['[::]:8080:/run/a:b', '[::]:8080', '/run/a:b'],
  ['/tmp/here:db:5432', '/tmp/here', 'db:5432'],
  ['/tmp/here:[::1]:5432', '/tmp/here', '[::1]:5432'],
  ['/tmp/here:/tmp/there', '/tmp/here', '/tmp/there'],
];

const WRONG: readonly string[] = [
  '',
  '80',
  ':80',
  'host:',
  'host:http',
  'host:0',
  'host:65536',
  '65536:host:80',
  '-1:host:80',
  '8080:80',
  '8080:9090:80',
  '::1:80',
  '[::1:80',
  'host]:80',
  'a:b:c:d:e',
  '/only/here',
  'name:/path',
  'ho st:80',
  'host:80\n',
];

describe('what is forwarded', () => {
  it.each(SPECS)('%s', (text, listen, target) => {
    const spec = forwardSpec(text);
    expect([placeText(spec.listen), placeText(spec.target)]).toEqual([listen, target]);
  });

  it.each(WRONG)('is not %j', (text) => {
    expect(() => forwardSpec(text)).toThrow();
  });
});

describe('where a proxy listens', () => {
  it('is on loopback, unless an address is said', () => {
    const texts = ['1080', '0.0.0.0:1080', '[::1]:0'].map((text) => placeText(listenPlace(text)));
    expect(texts).toEqual(['127.0.0.1:1080', '0.0.0.0:1080', '[::1]:0']);
  });

  it.each(['', 'x', '65536', ':1', '/path', '1:2:3'])('is not %j', (text) => {
    expect(() => listenPlace(text)).toThrow();
  });
});
