import { rename, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseCredentialSpec } from '../../../src/network/http/credential-spec.ts';
import { type OpenCredentials, openCredentials } from '../../../src/network/http/credentials.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { startHarness, temporaryFolder } from '../../support/harness.ts';
import { sendRequest } from '../../support/http-requests.ts';
import { type Answer, startUpstream, trustedAuthority } from '../../support/https-upstream.ts';
import { keptLog } from '../../support/tls.ts';

const TOKEN = 'sk-0123456789-abcdefghij-0123456789';
const VALUE = `Bearer ${TOKEN}`;

const HOSTS = ['api.example.test', 'b.example.test', 'evil.test'];

/** Credentials with one of each kind, in files of the test. */
async function credentialsFor(port: number): Promise<OpenCredentials> {
  const file = join(await temporaryFolder(), 'value');
  await writeFile(file, `${VALUE}\n`, { mode: 0o600 });
  const opened = await openCredentials({
    specs: [
      parseCredentialSpec(`api=api.example.test:${port},Authorization,${file}`),
      parseCredentialSpec(`all=*.example.test:${port},x-api-key,${file}`),
    ],
    clock: new FakeClock(),
    log: keptLog().logger,
  });
  onTestFinished(() => opened.close());
  return opened;
}

/** A server, an upstream that the credentials are bound to, and one without TLS. */
async function start(answer: Answer) {
  const authority = await trustedAuthority();
  const upstream = await startUpstream(answer, { authority, hosts: HOSTS });
  const plain = await startUpstream((_request, response) => response.end('plain'));
  const harness = await startHarness({
    httpCredentials: await credentialsFor(upstream.port),
    httpTrust: authority.httpTrust,
    lookup: async () => ['127.0.0.1'],
  });
  const { connection, sessionId } = harness;
  return {
    ...harness,
    upstream,
    plain,
    send: (head: Parameters<typeof sendRequest>[1]) =>
      sendRequest(connection, { sessionId, credential: 'api', ...head }),
  };
}

/** Whether a recorded request had the value anywhere. */
const hasValue = (rawHeaders: readonly string[]): boolean => rawHeaders.join('\n').includes(TOKEN);

describe('a credential', () => {
  it('is sent to the host that it is bound to, and listed by its name alone', async () => {
    const { send, server, upstream } = await start((_request, response) => response.end('yes'));
    const answered = await send({ url: `https://api.example.test:${upstream.port}/` });
    expect(answered).toMatchObject({ status: 200, reason: undefined });
    expect(answered.body.toString()).toBe('yes');
    expect(upstream.asked[0]?.rawHeaders).toContain(VALUE);
    const { capabilities } = await server.getServerInfo({});
    expect(capabilities?.http?.credentials).toEqual(['api', 'all']);
  });

  it('follows a redirect to a host that it is bound to as well, and to no other', async () => {
    const { plain, send, upstream } = await start((request, response) => {
      const to = new URL(request.url ?? '', 'https://x').searchParams.get('to');
      if (to === null) response.end('here');
      else response.writeHead(302, { location: Buffer.from(to).toString('latin1') }).end();
    });
    const base = `https://api.example.test:${upstream.port}/`;
    const redirect = (to: string, credential: string) =>
      send({ url: `${base}?to=${encodeURIComponent(to)}`, credential });
    const good = await redirect(`https://b.example.test:${upstream.port}/`, 'all');
    expect(good).toMatchObject({ status: 200, reason: undefined });
    const before = upstream.asked.length;
    const elsewhere = [
      `https://b.example.test:${upstream.port}/`,
      `https://evil.test:${upstream.port}/`,
      `https://api.example.test@evil.test:${upstream.port}/`,
      `https://api.example.test:${upstream.port}@evil.test:${upstream.port}/`,
      `//evil.test:${upstream.port}/`,
      `http://api.example.test:${plain.port}/`,
      `https://api.example.test:${plain.port}/`,
      `https://api.example.test.:${upstream.port}/`,
      `https://127.0.0.1:${upstream.port}/`,
      `https://\u0430pi.example.test:${upstream.port}/`,
    ];
    for (const to of elsewhere) {
      const { reason, status } = await redirect(to, 'api');
      expect([to, status, reason]).toEqual([to, 0, 'EGRESS_DENIED']);
    }
    // Those that were asked lead elsewhere, and nothing else was.
    expect(upstream.asked.slice(before).map(({ url }) => url.startsWith('/?to='))).toEqual(
      elsewhere.map(() => true),
    );
    expect(plain.asked).toEqual([]);
  });

  it('is not sent where it is not bound to, however that is asked for', async () => {
    const { log, plain, send, upstream } = await start((_request, response) => response.end('x'));
    const { port } = upstream;
    const attempts: readonly [url: string, credential: string, reason: string][] = [
      [`https://evil.test:${port}/`, 'api', 'EGRESS_DENIED'],
      [`https://b.example.test:${port}/`, 'api', 'EGRESS_DENIED'],
      [`https://example.test:${port}/`, 'all', 'EGRESS_DENIED'],
      [`https://evilexample.test:${port}/`, 'all', 'EGRESS_DENIED'],
      [`https://api.example.test.evil.test:${port}/`, 'all', 'EGRESS_DENIED'],
      [`https://api.example.test.:${port}/`, 'api', 'EGRESS_DENIED'],
      [`https://api.example.test.:${port}/`, 'all', 'EGRESS_DENIED'],
      [`https://api.example.test:${plain.port}/`, 'api', 'EGRESS_DENIED'],
      ['https://api.example.test/', 'api', 'EGRESS_DENIED'],
      [`http://api.example.test:${plain.port}/`, 'api', 'EGRESS_DENIED'],
      [`http://api.example.test:${port}/`, 'api', 'EGRESS_DENIED'],
      [`https://127.0.0.1:${port}/`, 'api', 'EGRESS_DENIED'],
      [`https://[::1]:${port}/`, 'api', 'EGRESS_DENIED'],
      [`https://[::ffff:127.0.0.1]:${port}/`, 'all', 'EGRESS_DENIED'],
      [`https://\u0430pi.example.test:${port}/`, 'api', 'EGRESS_DENIED'],
      [`https://api.example.test:${port}@evil.test/`, 'api', 'INVALID_REQUEST'],
      [`https://api.example.test%2eevil.test:${port}/`, 'api', 'EGRESS_DENIED'],
      [`https://api.example.test%00.evil.test:${port}/`, 'api', 'INVALID_REQUEST'],
      [`https://evil.test:${port}/#@api.example.test:${port}/`, 'api', 'EGRESS_DENIED'],
      [`https://evil.test:${port}\\@api.example.test:${port}/`, 'api', 'EGRESS_DENIED'],
      [`https://api.example.test:${port}/`, 'other', 'INVALID_REQUEST'],
      [`https://api.example.test:${port}/`, 'API', 'INVALID_REQUEST'],
      [`https://api.example.test:${port}/`, '__proto__', 'INVALID_REQUEST'],
    ];
    for (const [url, credential, reason] of attempts) {
      const answered = await send({ url, credential });
      expect([url, answered.reason]).toEqual([url, reason]);
      expect(answered.failure).not.toContain(TOKEN);
    }
    expect(upstream.asked).toEqual([]);
    expect(plain.asked).toEqual([]);
    expect(log.join('')).not.toContain(TOKEN);
  });

  it('is not sent with headers that make another of it', async () => {
    const { send, upstream } = await start((_request, response) => response.end('x'));
    const url = `https://API.Example.TEST:${upstream.port}/`;
    const header = (name: string, value: string) => ({ name, value: Buffer.from(value) });
    const ownAuthorization = await send({ url, headers: [header('aUthorization', 'mine')] });
    expect(ownAuthorization.reason).toBe('INVALID_REQUEST');
    const otherHost = await send({ url, headers: [header('Host', 'evil.test')] });
    expect(otherHost.reason).toBe('EGRESS_DENIED');
    expect(upstream.asked).toEqual([]);
    // In the case that a host has, it is the same one.
    expect((await send({ url })).status).toBe(200);
  });
});

describe('an answer to what had a credential', () => {
  const echoes: readonly [how: string, answer: Answer][] = [
    ['a header', (request, response) => response.setHeader('x', echo(request)).end('')],
    [
      'where it leads',
      (request, response) =>
        response.writeHead(302, { location: `/?${encodeURIComponent(echo(request))}` }).end(),
    ],
    [
      'where it leads, in bytes that need not be encoded',
      (request, response) =>
        response.writeHead(302, { location: `/%73${echo(request).slice(8)}` }).end(),
    ],
    ['its body', (request, response) => response.end(`you sent: ${echo(request)}!`)],
    ['its body, without the scheme', (_request, response) => response.end(`"${TOKEN}"`)],
    [
      'its compressed body',
      (request, response) =>
        response.setHeader('content-encoding', 'gzip').end(gzipSync(echo(request))),
    ],
    [
      'a trailer',
      (request, response) => {
        response.writeHead(200, { trailer: 'x-echo' });
        response.write('body');
        response.addTrailers({ 'x-echo': echo(request) });
        response.end();
      },
    ],
  ];
  const echo = (request: IncomingMessage): string => request.headers.authorization ?? 'none';

  it.each(echoes)('fails where it tells it in %s', async (_how, answer) => {
    const { log, send, upstream } = await start(answer);
    const url = `https://api.example.test:${upstream.port}/`;
    const answered = await send({ url, decompress: true });
    expect(answered.reason).toBe('HTTP_FAILED');
    expect(hasValue(upstream.asked[0]?.rawHeaders ?? [])).toBe(true);
    const told = [answered.body.toString('latin1'), JSON.stringify(answered), log.join('')];
    expect(told.filter((text) => text.includes(TOKEN))).toEqual([]);
  });
});

describe('the file of a credential', () => {
  const open = async (bytes: string, mode = 0o600) => {
    const file = join(await temporaryFolder(), 'value');
    await writeFile(file, bytes, { mode });
    const clock = new FakeClock();
    const log = keptLog();
    const specs = [parseCredentialSpec(`api=api.example.test,authorization,${file}`)];
    const opened = await openCredentials({ specs, clock, log: log.logger });
    onTestFinished(() => opened.close());
    const value = () =>
      opened.headerFor('api', new URL('https://api.example.test/')).value.toString('latin1');
    return { clock, file, log, value };
  };

  it.each([
    ['', 'it has fewer than 8 bytes'],
    ['short\n', 'it has fewer than 8 bytes'],
    ['first line\nsecond line\n', 'it has control characters, or more than one line'],
    ['a\0b and more', 'it has control characters, or more than one line'],
    [' begins with one', 'it begins or ends with a space'],
    ['x'.repeat(8193), 'it has more than 8192 bytes'],
  ])('cannot be %j', async (bytes, problem) => {
    await expect(open(bytes)).rejects.toThrow(`the credential api: ${problem}`);
  });

  it('must be writable by its user alone', async () => {
    const file = join(await temporaryFolder(), 'value');
    await writeFile(file, VALUE);
    const { chmod } = await import('node:fs/promises');
    await chmod(file, 0o666);
    const specs = [parseCredentialSpec(`api=api.example.test,authorization,${file}`)];
    const opened = openCredentials({ specs, clock: new FakeClock(), log: keptLog().logger });
    await expect(opened).rejects.toThrow('other users can write to it');
  });

  it('is read again when it changes, and the last good one stays', async () => {
    const { clock, file, log, value } = await open(`${VALUE}\r\n`);
    expect(value()).toBe(VALUE);
    const put = async (bytes: string): Promise<void> => {
      await writeFile(`${file}.new`, bytes, { mode: 0o600 });
      await rename(`${file}.new`, file);
    };
    const until = async (isThere: () => boolean): Promise<void> => {
      while (!isThere()) {
        clock.advance(500);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await put('Bearer another-one\n');
    await until(() => value() !== VALUE);
    expect(value()).toBe('Bearer another-one');
    await put('no\n');
    await until(() => log.lines.some(({ problem }) => problem !== undefined));
    expect(value()).toBe('Bearer another-one');
    expect(JSON.stringify(log.lines)).not.toContain('another-one');
  });
});
