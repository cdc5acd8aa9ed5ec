import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { resultOf } from '../support/cli.ts';
import { cliUser, jsonLines } from '../support/cli-user.ts';
import { serveHere } from '../support/harness.ts';
import { awaitRelease, release } from '../support/shell.ts';
import { startProxy } from '../support/tcp-proxy.ts';

/** What a command has printed so far. */
function printedBy(child: ChildProcess): () => string {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}

describe('runlet attach', () => {
  it('shows what was written before and what follows, types, and has the exit code', async () => {
    const user = await cliUser((await serveHere()).address);
    await user.start('--stdin', '--', 'sh', '-c', 'echo before; echo err >&2; cat; exit 6');
    const child = user.spawn(['attach']);
    const printed = printedBy(child);
    await expect.poll(printed).toBe('before\n');
    child.stdin?.end('typed\n');
    const { code, stderr } = await resultOf(child);
    expect([code, printed(), stderr]).toEqual([6, 'before\ntyped\n', 'err\n']);
    // It can be joined once more as long as it is retained.
    expect(await user.run(['attach', '--no-stdin'])).toMatchObject({ code: 6, stderr: 'err\n' });
  });

  it('prints events for scripts', async () => {
    const user = await cliUser((await serveHere()).address);
    await user.start('--stdin', '--', 'sh', '-c', 'read line; echo got $line; exit 6');
    const child = user.spawn(['attach', '--json']);
    child.stdin?.end('typed\n');
    const { code, stderr, stdout } = await resultOf(child);
    expect([code, stderr]).toEqual([6, '']);
    const events = jsonLines(stdout.toString());
    expect(events.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['started', 'output', 'exited', 'closed']),
    );
    const data = Buffer.from('got typed\n').toString('base64');
    expect(events).toContainEqual(expect.objectContaining({ kind: 'output', data }));
    expect(events.at(-1)).toMatchObject({ kind: 'closed', code: 6 });
  });

  it('shows the last of much output, whole events, and all that follows', async () => {
    const user = await cliUser((await serveHere()).address);
    const go = awaitRelease(`${user.folder}/go`);
    const script = `head -c 3000000 /dev/zero | tr '\\0' a; echo; seq 1 50000; ${go}; echo end`;
    const { session } = await user.start('--', 'sh', '-c', script);
    const whole = `${'a'.repeat(3_000_000)}\n${Array.from({ length: 50_000 }, (_, i) => `${i + 1}\n`).join('')}end\n`;
    const following = user.spawn(['logs', '-f', '--session', session]);
    const logged = printedBy(following);
    await expect.poll(() => logged().length).toBe(whole.length - 4);
    const child = user.spawn(['attach']);
    const printed = printedBy(child);
    await expect.poll(() => printed().endsWith('\n50000\n')).toBe(true);
    await release({ folder: user.folder }, 'go');
    expect((await resultOf(child)).code).toBe(0);
    expect(whole.endsWith(printed())).toBe(true);
    expect(printed().length).toBeLessThanOrEqual(1024 * 1024 + 4);
    expect(printed().length).toBeGreaterThan(1024 * 1024 - 64 * 1024);
  });

  it('watches beside whoever is attached, and types nothing', async () => {
    const user = await cliUser((await serveHere()).address);
    await user.start('--stdin', '--', 'sh', '-c', 'echo ready; read line; echo "got $line"');
    const typing = user.spawn(['attach']);
    const typed = printedBy(typing);
    await expect.poll(typed).toBe('ready\n');
    const watching = [0, 1].map(() => user.spawn(['attach', '--read-only']));
    const shown = watching.map(printedBy);
    for (const text of shown) await expect.poll(text).toBe('ready\n');
    const results = Promise.all([typing, ...watching].map((child) => resultOf(child)));
    for (const child of watching) child.stdin?.end('not this\n');
    typing.stdin?.end('this\n');
    expect((await results).map(({ code }) => code)).toEqual([0, 0, 0]);
    expect([typed(), ...shown.map((text) => text())]).toEqual(Array(3).fill('ready\ngot this\n'));
  });

  it('says that a process ran out of time', async () => {
    const user = await cliUser((await serveHere()).address);
    await user.start('--timeout', '0.2', '--', 'sleep', '1000');
    expect(await user.run(['attach'])).toMatchObject({
      code: 124,
      stderr: 'runlet: the process ran out of time and was ended (timed-out)\n',
    });
  });

  it('goes on through breaks of the connection', async () => {
    const served = await serveHere();
    const proxy = await startProxy(served.address);
    const user = await cliUser(proxy.address);
    await user.start('--stdin', '--', 'cat');
    const child = user.spawn(['attach']);
    const printed = printedBy(child);
    for (const text of ['one\n', 'two\n', 'three\n']) {
      const expected = printed() + text;
      child.stdin?.write(text);
      await expect.poll(printed).toBe(expected);
      proxy.cut();
    }
    child.stdin?.end();
    expect((await resultOf(child)).code).toBe(0);
    expect(printed()).toBe('one\ntwo\nthree\n');
  });

  it('ends when another one takes over, and says so', async () => {
    const user = await cliUser((await serveHere()).address);
    const { process, session } = await user.start('--stdin', '--', 'sh', '-c', 'echo ready; cat');
    const first = user.spawn(['attach']);
    await once(first.stdout ?? first, 'data');
    const second = user.spawn(['attach', '--session', session, process]);
    expect(await resultOf(first)).toMatchObject({
      code: 123,
      stderr: `runlet: session ${session}: another client took over the session (superseded)\n`,
    });
    second.stdin?.end('hello\n');
    const { code, stdout } = await resultOf(second);
    expect([code, stdout.toString()]).toEqual([0, 'ready\nhello\n']);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('leaves the process alone when %s ends it', async (signal, code) => {
    const user = await cliUser((await serveHere()).address);
    const { process, session } = await user.start('--', 'sh', '-c', 'echo ready; exec sleep 1000');
    const child = user.spawn(['attach']);
    await once(child.stdout ?? child, 'data');
    child.kill(signal);
    const result = await resultOf(child);
    expect(result.code).toBe(code);
    expect(result.stderr).toBe(
      `runlet: left; come back with: runlet attach --address ${user.env['RUNLET_ADDRESS']} --session ${session} ${process}\n`,
    );
    expect(await user.print('ps')).toContain('running');
  });
});

describe.skipIf(process.env['TEST_LAUNCHER'] === 'child_process')(
  'runlet attach to a process on a terminal',
  () => {
    const detach = Buffer.from([0x10, 0x11]);

    it('leaves it alone on the keys that detach, and shows its screen when it comes back', async () => {
      const user = await cliUser((await serveHere()).address);
      await user.start('-t', '--env', 'PS1=> ', '--', 'bash', '--norc', '--noprofile');
      const first = user.spawn(['attach']);
      const shown = printedBy(first);
      first.stdin?.write('name=value; echo one-$((1 + 1))\n');
      await expect.poll(shown).toContain('one-2\r\n');
      first.stdin?.write(detach);
      expect((await resultOf(first)).code).toBe(0);
      const second = user.spawn(['attach']);
      const again = printedBy(second);
      await expect.poll(again).toContain('one-2\r\n');
      second.stdin?.write('exit $(printf %s "$name" | wc -c)\n');
      expect((await resultOf(second)).code).toBe(5);
    });

    it('takes other keys, and the first of them alone is typed', async () => {
      const user = await cliUser((await serveHere()).address);
      await user.start('-t', '--', 'sh', '-c', 'stty raw -echo; echo ready; exec cat');
      const child = user.spawn(['attach', '--detach-keys', 'x,ctrl-y']);
      const shown = printedBy(child);
      await expect.poll(shown).toContain('ready');
      child.stdin?.write(Buffer.concat([detach, Buffer.from('ax'), Buffer.from('xb')]));
      await expect.poll(shown).toContain('\x10\x11axxb');
      child.stdin?.write('x');
      child.stdin?.write('\x19');
      expect((await resultOf(child)).code).toBe(0);
    });

    it('does not type Ctrl-D at the end of standard input', async () => {
      const user = await cliUser((await serveHere()).address);
      const go = awaitRelease(`${user.folder}/go`);
      // What is typed waits in the terminal until it is read.
      await user.start('-t', '--', 'sh', '-c', `echo ready; ${go}; read a; read b; echo "[$a $b]"`);
      const child = user.spawn(['attach']);
      const shown = printedBy(child);
      await expect.poll(shown).toContain('ready');
      child.stdin?.end('first\n');
      await expect.poll(shown).toContain('first');
      const second = user.spawn(['attach']);
      expect((await resultOf(child)).code).toBe(123);
      second.stdin?.write('second\n');
      const again = printedBy(second);
      await expect.poll(again).toContain('second');
      await release({ folder: user.folder }, 'go');
      expect((await resultOf(second)).code).toBe(0);
      expect(again()).toContain('[first second]');
    });

    it('ends with it, whatever it left in the background', async () => {
      const user = await cliUser((await serveHere()).address);
      await user.start('-t', '--', 'bash', '-c', 'trap "" HUP; sleep 1000 & exit 8');
      expect((await user.run(['attach'])).code).toBe(8);
    });
  },
);

describe('the address that runlet attach says to come back to', () => {
  it('is left out where it is the default one', async () => {
    const user = await cliUser((await serveHere()).address);
    const env = { ...user.env, RUNLET_ADDRESS: '' };
    const server = user.spawn(['serve', '--log-level', 'error'], { env });
    onTestFinished(() => void server.kill('SIGKILL'));
    await once(server.stdout ?? server, 'data');
    const ids = JSON.parse(
      String(
        (
          await resultOf(
            user.spawn(['start', '--json', '--', 'sh', '-c', 'echo ready; exec sleep 1000'], {
              env,
            }),
          )
        ).stdout,
      ),
    ) as { session: string; process: string };
    const child = user.spawn(['attach'], { env });
    await once(child.stdout ?? child, 'data');
    child.kill('SIGTERM');
    expect((await resultOf(child)).stderr).toBe(
      `runlet: left; come back with: runlet attach --session ${ids.session} ${ids.process}\n`,
    );
    server.kill('SIGTERM');
    await once(server, 'exit');
  });
});
