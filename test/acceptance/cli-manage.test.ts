import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { cliUser, jsonLines } from '../support/cli-user.ts';
import { connectTo } from '../support/client.ts';
import { serveHere } from '../support/harness.ts';
import { isAlive } from '../support/pids.ts';
import { serve } from '../support/served.ts';

/** How long ago something was, on a machine that may be busy. */
const AGE = String.raw`\d+ (?:s|min) ago`;

const SLEEP = ['--', 'sleep', '1000'] as const;

describe('runlet ps', () => {
  it('lists what runs in all sessions, and what ended if asked, in columns', async () => {
    const user = await cliUser((await serveHere()).address);
    const a = await user.start('--id', 'a', ...SLEEP);
    const { session } = await user.start('--id', 'long-name', '--', 'sh', '-c', 'exit 3');
    await user.start('--session', session, '--id', 'b', '--', 'sh', '-c', "kill $$; echo '\\e[2J'");
    await user.print('logs', '-f', 'long');
    await user.print('logs', '-f', 'b');
    const age = `${AGE} +`;
    const [one, other] = [a.session, session].map((id) => id.slice(0, 8));
    expect((await user.print('ps')).split('\n').slice(1)).toEqual([
      expect.stringMatching(new RegExp(`^a {8}${one}  ${a.pid} +running  ${age}sleep 1000$`)),
      '',
    ]);
    const lines = (await user.print('ps', '-a')).split('\n');
    expect(lines[0]).toMatch(/^PROCESS {4}SESSION {3}PID +STATE {4}STARTED {2,}COMMAND$/);
    expect(lines[1]).toMatch(/^a {10}/);
    expect(lines[2]).toMatch(
      new RegExp(`^long-name  ${other}  \\d+ +exit 3   ${age}sh -c 'exit 3'$`),
    );
    expect(lines[3]).toMatch(new RegExp(`^b {10}${other}  \\d+ +SIGTERM  ${age}sh -c 'kill `));
    expect(lines.slice(4)).toEqual(['']);
    expect(await user.print('ps', '-q')).toBe('a\n');
    expect(await user.print('ps', '-aq', '--session', session)).toBe('long-name\nb\n');
  });

  it('finds processes by state and label', async () => {
    const user = await cliUser((await serveHere()).address);
    await user.start('--id', 'a', '--label', 'job=build', '--label', 'by=me', ...SLEEP);
    await user.start('--id', 'b', '--label', 'job=test', '--', 'true');
    await user.print('logs', '-f', 'b');
    const found = async (...filters: string[]): Promise<string> =>
      user.print('ps', '-q', ...filters.flatMap((filter) => ['--filter', filter]));
    expect(await found('label=job')).toBe('a\nb\n');
    expect(await found('label=job=build')).toBe('a\n');
    expect(await found('label=job', 'state=closed')).toBe('b\n');
    expect(await found('label=by=you')).toBe('');
  });

  it('shows nothing that a command line could do to the terminal', async () => {
    const user = await cliUser((await serveHere()).address);
    await user.start('--id', 'a\u202eb', '--', 'sh', '-c', ': \u001b[2J\n\u009b31m');
    const text = await user.print('ps', '--all');
    expect(text).toContain(String.raw`': \u{1b}[2J\u{a}\u{9b}31m'`);
    expect(text).toContain(String.raw`a\u{202e}b`);
  });

  it('lists those of all sessions, and everything for scripts', async () => {
    const user = await cliUser((await serveHere()).address);
    const one = await user.start('--id', 'one', '--', 'sh', '-c', 'exit 3');
    await user.print('logs', '-f');
    const two = await user.start('--id', 'two', ...SLEEP);
    const text = await user.print('ps', '--all');
    expect(text).toMatch(
      new RegExp(
        `^PROCESS .*\none +${one.session.slice(0, 8)} .*\ntwo +${two.session.slice(0, 8)} .*\n$`,
      ),
    );
    const [first, second, ...more] = jsonLines(await user.print('ps', '-a', '--json'));
    expect(more).toEqual([]);
    expect(first).toEqual({
      session: one.session,
      process: 'one',
      state: 'closed',
      pid: one.pid,
      argv: ['sh', '-c', 'exit 3'],
      rawArgv: null,
      sandbox: null,
      labels: {},
      terminal: false,
      stdin: false,
      lastSeq: expect.any(Number),
      startTime: expect.any(String),
      exitTime: expect.any(String),
      closeTime: expect.any(String),
      code: 3,
      signal: null,
      reason: 'exited',
      totals: { stdout: 0, stderr: 0 },
      outputComplete: true,
    });
    expect(second).toMatchObject({ state: 'running', exitTime: null, code: null, totals: null });
  });
});

describe('runlet kill', () => {
  it('ends a process and what came of it, and does no harm twice', async () => {
    const user = await cliUser((await serveHere()).address);
    const { pid, process, session } = await user.start('--', 'sh', '-c', 'sleep 1000 & wait');
    expect(await user.print('kill')).toBe('');
    expect(isAlive(pid)).toBe(false);
    const [line] = jsonLines(await user.print('ps', '-a', '--json'));
    expect(line).toMatchObject({ state: 'closed', signal: 'SIGTERM', reason: 'terminated' });
    expect(jsonLines(await user.print('kill', '--json', process))).toEqual([
      { session, process, wasRunning: false },
    ]);
  });

  it('sends SIGKILL after the grace', async () => {
    const user = await cliUser((await serveHere()).address);
    await user.start('--', 'sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.01; done');
    const following = user.spawn(['logs', '-f']);
    const exited = once(following, 'exit');
    await once(following.stdout ?? following, 'data');
    await user.print('kill', '--grace', '0.1');
    expect(await exited).toEqual([0, null]);
    expect(jsonLines(await user.print('ps', '-a', '--json'))[0]).toMatchObject({
      signal: 'SIGKILL',
    });
  });

  it('sends a signal by its name or number, to whom it is meant for', async () => {
    const user = await cliUser((await serveHere()).address);
    const script =
      'trap "echo got-usr1" USR1; trap "exit 4" INT; echo ready; while :; do sleep 0.01; done';
    const { process, session } = await user.start('--', 'sh', '-c', script);
    const following = user.spawn(['logs', '-f']);
    const exited = once(following, 'exit');
    const [ready] = (await once(following.stdout ?? following, 'data')) as [Buffer];
    expect(ready.toString()).toBe('ready\n');
    const next = once(following.stdout ?? following, 'data') as Promise<[Buffer]>;
    expect(
      jsonLines(await user.print('kill', '-s', 'usr1', '--scope', 'leader', '--json')),
    ).toEqual([{ session, process, signal: 'SIGUSR1' }]);
    expect(String((await next)[0])).toBe('got-usr1\n');
    await user.print('kill', '--signal', '2');
    expect(await exited).toEqual([0, null]);
    expect(jsonLines(await user.print('ps', '-a', '--json'))[0]).toMatchObject({ code: 4 });
    expect(await user.run(['kill', '-s', 'SIGINT'])).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/\(PROCESS_EXITED\)\n$/),
    });
  });
});

describe('several processes', () => {
  it('are ended and waited for in one command', async () => {
    const user = await cliUser((await serveHere()).address);
    await user.start('--id', 'a', ...SLEEP);
    await user.start('--id', 'b', '--', 'sh', '-c', 'exit 3');
    await user.start('--id', 'c', ...SLEEP);
    expect(await user.run(['wait', '--any', '--exit-code', 'b', 'a'])).toMatchObject({
      code: 3,
      stdout: Buffer.from('3\n'),
    });
    const killed = await user.run(['kill', '-9', 'a', 'none', 'c']);
    expect([killed.code, killed.stderr]).toEqual([
      125,
      'runlet: no session has a process none (PROCESS_NOT_FOUND)\n',
    ]);
    expect(await user.print('wait', 'a', 'b', 'c')).toBe('137\n3\n137\n');
    const all = JSON.parse(await user.print('inspect', 'a', 'c')) as { signal: string }[];
    expect(all.map(({ signal }) => signal)).toEqual(['SIGKILL', 'SIGKILL']);
  });
});

describe('runlet exec', () => {
  it('runs a further process in a session, which goes on', async () => {
    const user = await cliUser((await serveHere()).address);
    const { session } = await user.start('--id', 'main', ...SLEEP);
    const script = ['sh', '-c', 'cat; exit 3'];
    for (const where of ['main', session, session.slice(0, 8)]) {
      expect(await user.run(['exec', where, ...script], 'hello')).toMatchObject({
        code: 3,
        stdout: Buffer.from('hello'),
      });
    }
    expect(await user.print('exec', '--id', 'side', 'main', '--', 'echo', '-n', 'x')).toBe('x');
    expect(await user.print('ps', '-aq')).toMatch(/^main\n(?:[0-9a-f-]{36}\n){3}side\n$/);
    // It dies as its process does, so that Ctrl-C ends a shell's loop.
    expect((await user.run(['exec', 'main', 'sh', '-c', 'kill -INT $$'])).signal).toBe('SIGINT');
    expect((await user.run(['exec', 'none', 'true'])).code).toBe(125);
    expect((await user.run(['exec', 'main'])).code).toBe(2);
  });
});

describe('runlet sessions', () => {
  it('lists them', async () => {
    const served = await serveHere();
    const user = await cliUser(served.address);
    const { session } = await user.start('--ttl', '7200', ...SLEEP);
    const other = await connectTo(served.address).session({ labels: { team: 'a b' } });
    const [head = '', first = '', second = ''] = (await user.print('sessions')).split('\n');
    expect(head).toMatch(/^SESSION +ATTACHED {2}PROCESSES {2}TTL +CREATED +LABELS$/);
    expect(first).toMatch(new RegExp(`^${session}  no {8}1 {10}2 h +${AGE}$`));
    expect(second).toMatch(new RegExp(`^${other.id}  yes {7}0 {10}5 min +${AGE} +team=a b$`));
    expect(jsonLines(await user.print('sessions', '--json'))).toEqual([
      {
        session,
        owner: `peer:${process.getuid?.()}`,
        createTime: expect.any(String),
        labels: {},
        processCount: 1,
        detachedTtlMs: 7_200_000,
        attached: false,
      },
      expect.objectContaining({ session: other.id, labels: { team: 'a b' }, attached: true }),
    ]);
  });

  it('closes one with everything in it: the last, or those that are named', async () => {
    const user = await cliUser((await serveHere()).address);
    const one = await user.start(...SLEEP);
    const two = await user.start(...SLEEP);
    expect(await user.print('sessions', 'close')).toBe('');
    expect(isAlive(two.pid)).toBe(false);
    expect(isAlive(one.pid)).toBe(true);
    const close = ['sessions', 'close', '--json', one.session.slice(0, 12)] as const;
    expect(jsonLines(await user.print(...close))).toEqual([{ session: one.session, closed: true }]);
    expect(isAlive(one.pid)).toBe(false);
    expect(await user.print('sessions', '--json')).toBe('');
    const three = await user.start(...SLEEP);
    expect(await user.run(['sessions', 'close', one.session, three.session])).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/^runlet: session \S+: .*\(expired\)\n$/),
    });
    expect(isAlive(three.pid)).toBe(false);
  });
});

describe('runlet info', () => {
  it('says what the server is', async () => {
    const user = await cliUser((await serve('--max-sessions', '7')).address);
    const [info, ...more] = jsonLines(await user.print('info', '--json'));
    expect(more).toEqual([]);
    expect(info).toMatchObject({
      address: user.env['RUNLET_ADDRESS'],
      version: expect.any(String),
      platform: { os: process.platform, arch: process.arch },
      limits: { maxSessions: 7 },
      capabilities: { launcher: expect.any(String) },
    });
    expect(await user.print('info')).toMatch(/^address +unix:.*\n(?:.*\n)*sessions +at most 7\n/);
  });
});
