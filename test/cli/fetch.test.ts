import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CliUser, cliUser } from '../support/cli-user.ts';
import { connectTo } from '../support/client.ts';
import { closed, printed, startPeer } from '../support/forwarding.ts';
import { serveHere } from '../support/harness.ts';
import { startWebServer } from '../support/web-server.ts';

/** More than all buffers on the way take. */
const MANY_BYTES = 32 * 1024 * 1024;

async function userHere(): Promise<CliUser> {
  const { address } = await serveHere();
  return cliUser(address);
}

interface Fetched {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function fetched(
  user: CliUser,
  words: readonly string[],
  stdin: string | Uint8Array = '',
): Promise<Fetched> {
  const { code, stderr, stdout } = await user.run(['fetch', ...words], stdin);
  return { code, stdout: stdout.toString('latin1'), stderr };
}

describe('runlet fetch', () => {
  it('sends what the flags of curl say', async () => {
    const user = await userHere();
    const web = await startWebServer();
    const file = join(user.folder, 'data');
    await writeFile(file, 'two\r\nlines\n');
    const url = `${web.url}/echo`;
    const cases: readonly (readonly [readonly string[], string])[] = [
      [[url], 'GET \n'],
      [['-d', 'a=1', '-d', 'b=2', url], 'POST a=1&b=2\n'],
      [['-X', 'PATCH', '-d', 'x', url], 'PATCH x\n'],
      [['-d', `@${file}`, url], 'POST twolines\n'],
      [['--data-binary', `@${file}`, url], 'POST two\r\nlines\n\n'],
      [['-d', '@-', url], 'POST frominput\n'],
      [['--data-binary', '@-', url], 'POST from\ninput\n'],
    ];
    for (const [words, stdout] of cases) {
      const got = await fetched(user, words, 'from\ninput');
      expect([words, got]).toEqual([words, { code: 0, stdout, stderr: '' }]);
    }
  });

  it('sends headers in their order, repeated as often, and leaves out what is left empty', async () => {
    const user = await userHere();
    const web = await startWebServer();
    const headers = ['-H', 'X-A: 1', '-H', 'X-B: 2', '-H', 'X-A: 3', '-H', 'X-Empty;'];
    await fetched(user, [...headers, '-H', 'Content-Type:', '-d', 'x', `${web.url}/echo`]);
    const sent = web.headers[0] ?? [];
    const pairs = sent.flatMap((name, i) =>
      i % 2 === 0 ? [[name.toLowerCase(), sent[i + 1]]] : [],
    );
    expect(pairs.filter(([name]) => name?.startsWith('x-'))).toEqual([
      ['x-a', '1'],
      ['x-b', '2'],
      ['x-a', '3'],
      ['x-empty', ''],
    ]);
    expect(pairs.map(([name]) => name)).not.toContain('content-type');
  });

  it('prints headers with -i and -I, and follows redirects with -L alone', async () => {
    const user = await userHere();
    const web = await startWebServer();
    const stopped = await fetched(user, ['-i', `${web.url}/moved`]);
    expect(stopped.stdout).toMatch(
      /^HTTP\/1\.1 302\r\n(?:.+\r\n)*location: \/hello\r\n(?:.+\r\n)*\r\nmoved\n$/,
    );
    const followed = await fetched(user, ['-L', `${web.url}/moved`]);
    expect(followed.stdout).toBe('hello\n');
    const head = await fetched(user, ['-I', `${web.url}/hello`]);
    expect(head.stdout).toMatch(/^HTTP\/1\.1 200\r\n(?:.+\r\n)+\r\n$/);
    expect(web.asked.at(-1)).toBe('HEAD /hello');
  });

  it('tells of a status of 400 or more with -f', async () => {
    const user = await userHere();
    const web = await startWebServer();
    const url = `${web.url}/status/404`;
    const plain = await fetched(user, [url]);
    expect(plain).toEqual({ code: 0, stdout: 'it is 404\n', stderr: '' });
    const why = `runlet: 127.0.0.1:${web.port} answered with the status 404\n`;
    expect(await fetched(user, ['-f', url])).toEqual({ code: 22, stdout: '', stderr: why });
    expect(await fetched(user, ['-fs', url])).toEqual({ code: 22, stdout: '', stderr: '' });
    expect(await fetched(user, ['-fsS', url])).toEqual({ code: 22, stdout: '', stderr: why });
  });

  it('prints what was compressed, or what it was before', async () => {
    const user = await userHere();
    const web = await startWebServer();
    const raw = await fetched(user, [`${web.url}/gzip`]);
    expect(raw.stdout.slice(0, 2)).toBe('\x1f\x8b');
    const plain = await fetched(user, ['--compressed', `${web.url}/gzip`]);
    expect(plain.stdout).toBe('was compressed\n');
    expect(web.headers[1]?.map((text) => text.toLowerCase())).toContain('accept-encoding');
  });

  it('writes bodies to files, also empty ones, and to nothing of what failed', async () => {
    const user = await userHere();
    const web = await startWebServer({ '/none': (_, response) => void response.end() });
    const [one, none, failed] = ['one', 'none', 'failed'].map((name) => join(user.folder, name));
    await fetched(user, ['-o', one ?? '', `${web.url}/hello`]);
    await fetched(user, ['-o', none ?? '', `${web.url}/none`]);
    await fetched(user, ['-f', '-o', failed ?? '', `${web.url}/status/500`]);
    expect(await readFile(one ?? '', 'utf8')).toBe('hello\n');
    expect(await readFile(none ?? '', 'utf8')).toBe('');
    expect(existsSync(failed ?? '')).toBe(false);
    const nowhere = await fetched(user, ['-o', '/nonexistent/x', `${web.url}/hello`]);
    expect([nowhere.code, nowhere.stderr]).toEqual([
      1,
      "runlet: cannot write '/nonexistent/x': no such file or directory (ENOENT)\n",
    ]);
  });

  it.each([
    ['http://no-such-host.invalid/', 6],
    ['http://127.0.0.1:1/', 7],
    ['http://169.254.169.254/latest', 125],
    ['$TLS/hello', 35],
  ])('exits with its own code where %s has no whole answer', async (url, code) => {
    const user = await userHere();
    const web = await startWebServer();
    const filled = url.replace('$URL', web.url).replace('$TLS', web.url.replace('http:', 'https:'));
    const got = await fetched(user, [filled]);
    expect([got.code, got.stderr]).toEqual([
      code,
      expect.stringMatching(/^runlet: .+\([A-Z_]+\)\n$/),
    ]);
  });

  it.each(['part', 'part-open'])('tells of a body that is cut: %s', async (page) => {
    const user = await userHere();
    const web = await startWebServer();
    const child = user.spawn(['fetch', `${web.url}/${page}`]);
    const ended = once(child, 'close');
    await printed(child, 'a part');
    web.cut();
    expect((await ended)[0]).toBe(18);
  });

  it('gives up after --max-time', async () => {
    const user = await userHere();
    const web = await startWebServer();
    const got = await fetched(user, ['-m', '0.5', `${web.url}/silent`]);
    expect(got).toEqual({
      code: 28,
      stdout: '',
      stderr: 'runlet: it took longer than the 0.5 s of --max-time\n',
    });
  });

  it('gives up a server that says nothing, by a signal and after --max-time', async () => {
    const peer = await startPeer(() => {});
    const user = await cliUser({ kind: 'tcp', host: '127.0.0.1', port: peer.port });
    const child = user.spawn(['fetch', 'http://host/']);
    const ended = once(child, 'close');
    await expect.poll(() => peer.sockets.length).toBeGreaterThan(0);
    // Who looks why it does not answer would connect again.
    const before = peer.sockets.length;
    child.kill('SIGINT');
    expect(await ended).toEqual([null, 'SIGINT']);
    expect(peer.sockets).toHaveLength(before);
    expect((await fetched(user, ['-m', '0.5', 'http://host/'])).code).toBe(28);
    expect(peer.sockets.length - before).toBeLessThan(2);
  });

  it('ends by a signal in the middle, on the wire too, and leaves no session', async () => {
    const { address } = await serveHere();
    const user = await cliUser(address);
    const web = await startWebServer();
    const child = user.spawn(['fetch', `${web.url}/silent`]);
    const ended = once(child, 'close');
    await expect.poll(() => web.asked).toEqual(['GET /silent']);
    child.kill('SIGINT');
    expect(await ended).toEqual([null, 'SIGINT']);
    await closed(web.sockets[0]);
    expect(await connectTo(address).sessions()).toEqual([]);
  });

  it('is slowed to what its reader takes, and prints all of it', async () => {
    const user = await userHere();
    const web = await startWebServer({
      '/many': (_, response) => void response.end(Buffer.alloc(MANY_BYTES, 'x')),
    });
    const child = user.spawn(['fetch', `${web.url}/many`]);
    const { stdout } = child;
    if (stdout === null) throw new Error('no pipe');
    await once(stdout, 'readable');
    // Meanwhile as much is fetched by another: it is nothing else that is slow.
    const { stdout: other } = await fetched(user, [`${web.url}/many`]);
    expect(other.length).toBe(MANY_BYTES);
    // Of what nobody reads the web server keeps a part.
    expect(web.sockets[0]?.writableLength).toBeGreaterThan(0);
    let bytes = 0;
    for await (const piece of stdout) bytes += (piece as Buffer).length;
    expect(bytes).toBe(MANY_BYTES);
  });
});
