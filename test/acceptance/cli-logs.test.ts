import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { resultOf } from '../support/cli.ts';
import { cliUser, jsonLines } from '../support/cli-user.ts';
import { connectTo } from '../support/client.ts';
import { serveHere } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import { AS_LONG_AS_THE_SERVER, awaitRelease, release } from '../support/shell.ts';
import { startProxy } from '../support/tcp-proxy.ts';

describe('runlet logs', () => {
  it('prints what there is now, on the same streams, and ends', async () => {
    const user = await cliUser((await serveHere()).address);
    await user.start('--', 'sh', '-c', 'echo out; echo err >&2; exec sleep 1000');
    const following = user.spawn(['logs', '-f']);
    await Promise.all(
      [following.stdout, following.stderr].map((from) => once(from ?? following, 'data')),
    );
    following.kill();
    const { code, stderr, stdout } = await user.run(['logs']);
    expect([code, stdout.toString(), stderr]).toEqual([0, 'out\n', 'err\n']);
  });

  it('finds a process by its id, or the beginning of it, in whatever session', async () => {
    const user = await cliUser((await serveHere()).address);
    for (const id of ['first', 'second', 'secure']) {
      await user.start('--id', id, '--', 'echo', `of ${id}`);
    }
    expect(await user.print('logs', '-f')).toBe('of secure\n');
    expect(await user.print('logs', '-f', 'first')).toBe('of first\n');
    expect(await user.print('logs', '-f', 'sec')).toBe('of secure\n');
    expect(await user.print('logs', '-f', 'seco')).toBe('of second\n');
    const { session } = await user.start('--id', 'fourth', '--', 'echo', 'of fourth');
    await user.start('--id', 'fifth', '--', 'true');
    expect(await user.print('logs', '-f', '--session', session)).toBe('of fourth\n');
    expect(await user.print('logs', '-f', '--session', session.slice(0, 13), 'fo')).toBe(
      'of fourth\n',
    );
    const several = await user.run(['logs', 'se']);
    expect([several.code, several.stderr]).toEqual([
      2,
      expect.stringMatching(
        /^runlet: several sessions have a process se; name one of them with --session: \S+, \S+\n$/,
      ),
    ]);
  });

  it('means a process of that very id, though the last one begins so', async () => {
    const user = await cliUser((await serveHere()).address);
    await user.start('--id', 'web', '--', 'echo', 'of web');
    const { session } = await user.start('--id', 'web2', '--', 'echo', 'of web2');
    expect(await user.print('logs', '-f', 'web')).toBe('of web\n');
    // Nor does it matter how many begin so.
    await user.start('--session', session, '--id', 'web3', '--', 'true');
    expect(await user.print('logs', '-f', 'web')).toBe('of web\n');
    expect((await user.run(['logs', 'we'])).code).toBe(2);
  });

  it('says what is not there, and what is not there any more', async () => {
    const user = await cliUser((await serveHere()).address);
    await user.start('--id', 'gone', '--retention', '0', '--', 'true');
    const evicted = async (): Promise<string> => (await user.run(['logs', 'gone'])).stderr;
    await expect
      .poll(evicted)
      .toBe(
        'runlet: process gone: the process was closed and its retention is over (PROCESS_EVICTED)\n',
      );
    expect((await user.run(['logs', 'gone'])).code).toBe(125);
    expect(await user.run(['logs', 'never'])).toMatchObject({
      code: 125,
      stderr: 'runlet: no session has a process never (PROCESS_NOT_FOUND)\n',
    });
  });

  it('gives events with their numbers, and goes on after any of them', async () => {
    const user = await cliUser((await serveHere()).address);
    await user.start('--', 'sh', '-c', 'printf one; sleep 0.05; printf two; exit 3');
    const all = jsonLines(await user.print('logs', '-f', '--json'));
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, i) => i + 1));
    const rest = jsonLines(await user.print('logs', '-f', '--json', '--since-seq', '2'));
    expect(rest.slice(0, -1)).toEqual(all.slice(2, -1));
    expect(await user.print('logs', '--since-seq', String(all.length))).toBe('');
    expect(await user.run(['logs', '--since-seq', '1000'])).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/\(SEQ_BEYOND_END\)\n$/),
    });
  });

  it('tells what is no longer retained, and where', async () => {
    const user = await cliUser((await serve('--retained-bytes', '1000')).address);
    await user.start('--', 'sh', '-c', 'seq 1 2000; echo end');
    await user.run(['logs', '-f']);
    const { code, stderr, stdout } = await user.run(['logs']);
    expect(code).toBe(122);
    const [, length = ''] =
      /^runlet: (\d+) bytes of stdout, from 0 on, are .*\(gap\)\n$/.exec(stderr) ?? [];
    const whole = `${Array.from({ length: 2000 }, (_, i) => `${i + 1}\n`).join('')}end\n`;
    expect(stdout.toString()).toBe(whole.slice(Number(length)));
    expect(Number(length)).toBeGreaterThan(0);
    // Where all that is asked for is there, nothing is lost.
    expect(await user.run(['logs', '-n', '3'])).toMatchObject({ code: 0, stderr: '' });
    expect(await user.run(['logs', '-n', '5000'])).toMatchObject({ code: 122 });
    expect(await user.run(['logs', '--stderr'])).toMatchObject({ code: 0, stderr: '' });
    const lines = jsonLines((await user.run(['logs', '--json'])).stdout.toString());
    expect(lines.find(({ kind }) => kind === 'gap')).toMatchObject({
      ranges: [{ stream: 'stdout', offset: 0, length: Number(length) }],
    });
  });

  it('begins with the last lines, of one stream if it is asked to, and goes on from there', async () => {
    const user = await cliUser((await serveHere()).address);
    const go = awaitRelease(`${user.folder}/go`);
    const script = `seq 1 5000; echo err >&2; printf 'half a '; ${go}; echo line; echo end`;
    await user.start('--', 'sh', '-c', script);
    await expect.poll(() => user.print('logs', '-n', '1', '--stdout')).toBe('half a ');
    const following = user.spawn(['logs', '-f', '-n', '3', '--stdout']);
    let followed = '';
    following.stdout?.on('data', (data: Buffer) => {
      followed += data.toString();
    });
    await expect.poll(() => followed).toBe('4999\n5000\nhalf a ');
    expect(await user.print('logs', '--tail', '2', '--stdout')).toBe('5000\nhalf a ');
    expect(await user.run(['logs', '-n', '1', '--stderr'])).toMatchObject({ stderr: 'err\n' });
    expect(await user.print('logs', '-n', '0')).toBe('');
    await release(user, 'go');
    await resultOf(following);
    expect(followed).toBe('4999\n5000\nhalf a line\nend\n');
    // One of them is on standard error.
    expect(await user.print('logs', '-n', '4500')).toMatch(
      /^504\n505\n[\s\S]*\nhalf a line\nend\n$/,
    );
  });

  it('begins at a time, and says when lines were written', async () => {
    const user = await cliUser((await serveHere()).address);
    const go = awaitRelease(`${user.folder}/go`);
    await user.start(
      '--',
      'sh',
      '-c',
      `seq 1 2000 | while read n; do echo $n; done; ${go}; echo new`,
    );
    await expect.poll(() => user.print('logs', '-n', '1')).toBe('2000\n');
    // Later than what was written, whatever the clock can tell.
    const since = new Date(Date.now() + 2).toISOString();
    await expect.poll(() => Date.now()).toBeGreaterThan(Date.parse(since));
    await release(user, 'go');
    await user.run(['logs', '-f']);
    expect(await user.print('logs', '--since', since)).toBe('new\n');
    expect(await user.print('logs', '--since', '1h30m', '-n', '2')).toBe('2000\nnew\n');
    const [, time = ''] = /^(\S+) new\n$/.exec(await user.print('logs', '-n', '1', '-t')) ?? [];
    expect(Date.parse(time)).toBeGreaterThanOrEqual(Date.parse(since));
    expect((await user.run(['logs', '--since', 'yesterday'])).code).toBe(2);
    expect((await user.run(['logs', '--json', '-t'])).code).toBe(2);
  });

  it('ends with the exit code of the process if it is asked to and knows it', async () => {
    const user = await cliUser((await serveHere()).address);
    const go = awaitRelease(`${user.folder}/go`);
    await user.start('--', 'sh', '-c', `echo out; ${go}; exit 7`);
    expect((await user.run(['logs', '--exit-code'])).code).toBe(0);
    await release(user, 'go');
    expect((await user.run(['logs', '-f', '--exit-code'])).code).toBe(7);
    expect((await user.run(['logs', '--exit-code'])).code).toBe(7);
    expect((await user.run(['logs'])).code).toBe(0);
  });

  it('leaves a client that is attached alone', async () => {
    const served = await serveHere();
    const user = await cliUser(served.address);
    const session = await connectTo(served.address).session();
    let lost = false;
    void session.lost.then(() => {
      lost = true;
    });
    const process = await session.start({
      argv: ['/bin/sh', '-c', 'echo here; read line'],
      stdin: 'pipe',
    });
    const args = ['logs', '-f', '--session', session.id];
    const child = user.spawn(args);
    await once(child.stdout ?? child, 'data');
    expect((await session.info()).attached).toBe(true);
    process.stdin.end('\n');
    expect((await resultOf(child)).code).toBe(0);
    expect(await process.closed).toMatchObject({ code: 0 });
    expect(lost).toBe(false);
  });
});

describe('runlet logs -f', () => {
  it('misses and doubles nothing through breaks of the connection', async () => {
    const served = await serveHere();
    const proxy = await startProxy(served.address);
    const user = await cliUser(served.address);
    const parts = [0, 1, 2, 3].map(
      (n) =>
        `${awaitRelease(`${user.folder}/go${n}`)}; seq -f %.0f ${n * 100_000 + 1} ${n * 100_000 + 20_000}`,
    );
    const { session } = await user.start('--', 'sh', '-c', parts.join('; '));
    const following = user.spawn(['logs', '-f', '--session', session], {
      env: { ...user.env, RUNLET_ADDRESS: formatAddress(proxy.address) },
    });
    let length = 0;
    let cuts = 0;
    following.stdout?.on('data', (chunk: Buffer) => {
      length += chunk.byteLength;
      // In the midst of what comes.
      if (length > cuts * 50_000) {
        cuts += 1;
        proxy.cut();
      }
    });
    const result = resultOf(following);
    let expected = '';
    for (let n = 0; n < 4; n++) {
      for (let i = 1; i <= 20_000; i++) expected += `${n * 100_000 + i}\n`;
      await release({ folder: user.folder }, `go${n}`);
      if (n < 3) await expect.poll(() => length).toBe(expected.length);
      // And while nothing does.
      proxy.cut();
    }
    const { code, stderr, stdout } = await result;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.toString() === expected).toBe(true);
  });

  it('misses and doubles nothing where what leads to the server is gone for a while', async () => {
    const served = await serveHere();
    const user = await cliUser(served.address);
    const go = awaitRelease(`${user.folder}/go`);
    const { session } = await user.start('--', 'sh', '-c', `seq 1 50000; ${go}; seq 50001 100000`);
    const proxy = await startProxy(served.address);
    const child = user.spawn(['logs', '-f', '--session', session], {
      env: { ...user.env, RUNLET_ADDRESS: formatAddress(proxy.address) },
    });
    let length = 0;
    child.stdout?.on('data', (chunk: Buffer) => {
      length += chunk.byteLength;
    });
    const result = resultOf(child);
    const half = Array.from({ length: 50_000 }, (_, i) => `${i + 1}\n`).join('');
    await expect.poll(() => length).toBe(half.length);
    proxy.admit(false);
    proxy.cut();
    const before = proxy.accepted();
    await release({ folder: user.folder }, 'go');
    // The process ends meanwhile, and more than one attempt to come back fails.
    await user.print('logs', '-f');
    await expect.poll(() => proxy.accepted()).toBeGreaterThan(before + 1);
    proxy.admit(true);
    const { code, stderr, stdout } = await result;
    expect([code, stderr]).toEqual([0, '']);
    const rest = Array.from({ length: 50_000 }, (_, i) => `${i + 50_001}\n`).join('');
    expect(stdout.toString() === half + rest).toBe(true);
  });

  it('gives up when no connection can be had for as long as it may take', async () => {
    const served = await serve();
    const user = await cliUser(served.address);
    await user.start('--', 'sh', '-c', `echo ready; ${AS_LONG_AS_THE_SERVER}`);
    const child = user.spawn(['logs', '-f', '--reconnect-for', '0.3']);
    await once(child.stdout ?? child, 'data');
    served.child.kill('SIGKILL');
    expect(await resultOf(child)).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/\(window-passed\)\n$/),
    });
  });

  it('ends as a program does whose output nobody reads', async () => {
    const user = await cliUser((await serveHere()).address);
    await user.start('--', 'yes');
    const child = user.spawn(['logs', '-f']);
    await once(child.stdout ?? child, 'data');
    const exited = once(child, 'exit');
    child.stdout?.destroy();
    expect(await exited).toEqual([141, null]);
  });
});
