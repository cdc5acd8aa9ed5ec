import { existsSync } from 'node:fs';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/client/index.ts';
import { runCli } from '../support/cli.ts';
import { serveConfigured } from '../support/configured.ts';
import { collect, isStdout, outputOf } from '../support/events.ts';
import { temporaryFolder } from '../support/harness.ts';
import { awaitRelease, release, shellSpec } from '../support/shell.ts';

/** How often a configuration is changed while calls go on, and how many call. */
const CHANGES = 20;
const CALLERS = 3;

const LATER = 'what has changed of these keys holds from the next start';
const KEPT = 'could not be read again; what was before stays in force';

describe('a server with a file for its configuration', () => {
  it('does what the file says, and variables and flags before it', async () => {
    const file = { 'max-sessions': 5, 'max-processes': 6, retention: 7 };
    const { server } = await serveConfigured(file, {
      variables: { RUNLET_SERVE_MAX_PROCESSES: '60', RUNLET_SERVE_RETENTION: '70' },
      flags: ['--retention', '700'],
    });
    expect((await server.getServerInfo({})).limits).toMatchObject({
      maxSessions: 5,
      maxProcesses: 60,
      defaultRetention: { seconds: 700n },
    });
  });

  it('tells no process what stands in variables for flags', async () => {
    const { processes } = await serveConfigured(
      { retention: 60 },
      // The latter has the server replace itself where Node.js can.
      { variables: { RUNLET_SERVE_MAX_SESSIONS: '5', RUNLET_TOKEN: 'secret', SHOWN: '1' } },
    );
    const spec = { argv: ['env'], envPolicy: { ignoreDefaultExcludes: true } };
    const text = outputOf(await collect(processes.run({ spec }))).toString();
    expect(text).toContain('SHOWN=1');
    expect(text).not.toContain('RUNLET_SERVE');
  });

  it('goes on with both in the background, and is found there by its status', async () => {
    const folder = await temporaryFolder();
    const [file, address] = [join(folder, 'serve.json'), `unix:${join(folder, 'socket')}`];
    await writeFile(file, JSON.stringify({ listen: address, 'max-sessions': 5 }));
    const env = {
      ...process.env,
      RUNLET_SERVE_STATE_DIR: folder,
      RUNLET_SERVE_MAX_PROCESSES: '6',
      RUNLET_TOKEN: 'secret',
    };
    const serve = ['serve', '--config', 'serve.json'];
    const options = { env, cwd: folder };
    const begun = await runCli([...serve, '--daemon'], '', options);
    expect([begun.stdout.toString(), begun.stderr]).toEqual([
      `runlet listening on ${address}\nits log is ${join(folder, 'serve.log')}\n`,
      '',
    ]);
    const { stdout } = await runCli([...serve, '--json'], '', options);
    const { pid }: { readonly pid: number } = JSON.parse(stdout.toString());
    onTestFinished(() => void process.kill(pid));
    const { limits } = await connect(address).info();
    expect(limits).toMatchObject({ maxSessions: 5, maxProcesses: 6 });
  });

  it.each([
    ['grace: soon\n', {}, 'serve.yaml: line 1, column 8: grace: soon: it is no span of time'],
    ['max-sesions: 5\n', {}, 'did you mean max-sessions?'],
    ['{}\n', { RUNLET_SERVE_GRACE: 'soon' }, 'RUNLET_SERVE_GRACE soon: it is no span of time'],
    ['drain: wait\n', {}, '--drain wait needs --drain-timeout'],
  ])('does not start with one that makes no sense: %j', async (text, variables, said) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'serve.yaml'), text);
    const words = ['serve', '--config', 'serve.yaml', '--listen', 'unix:socket'];
    for (const more of [[], ['--daemon', '--state-dir', folder], ['--status']]) {
      if (more.includes('--status') && text.includes('drain')) continue;
      const options = { cwd: folder, env: { ...process.env, ...variables } };
      const { code, stderr } = await runCli([...words, ...more], '', options);
      expect([more, code, stderr]).toEqual([more, 2, expect.stringContaining(said)]);
    }
    expect(existsSync(join(folder, 'socket'))).toBe(false);
  });
});

describe('serve --check', () => {
  it('says what would hold, where that is said, and what is odd', async () => {
    const folder = await temporaryFolder();
    const credential = join(folder, 'credential');
    await writeFile(credential, 'Bearer 0123456789abcdef\n');
    await chmod(credential, 0o644);
    const text = `# ours\nlisten: [ unix:a ]\nhttp-credential: api=a.example,authorization,${credential}\n`;
    await writeFile(join(folder, 'serve.yaml'), text);
    const env = { ...process.env, RUNLET_SERVE_LOG_LEVEL: 'warn' };
    const words = ['serve', '--config', 'serve.yaml', '--check', '--require-sandbox'];
    const { code, stderr, stdout } = await runCli(words, '', { cwd: folder, env });
    expect([code, stderr]).toEqual([
      0,
      `runlet: warning: ${credential}: every user can read the file of this credential\n`,
    ]);
    const lines = stdout.toString().split('\n');
    expect(lines).toContainEqual(expect.stringMatching(/^listen +unix:a +serve\.yaml:2$/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^log-level +warn +RUNLET_SERVE_LOG_LEVEL$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^require-sandbox +true +flag$/));
    expect(lines).toContainEqual(expect.stringMatching(/^grace +5s +default$/));
    expect(lines.slice(-2)).toEqual(['nothing wrong was found', '']);
    expect(existsSync(join(folder, 'a'))).toBe(false);
  });

  it('has it as a line of JSON, with the places of what is wrong', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'serve.yaml');
    await writeFile(
      file,
      'grace: 3\njwks: https://me:hunter2@example.org/?key=hunter2\nheartbeat: 0\n',
    );
    const { code, stdout } = await runCli(['serve', '--config', file, '--check', '--json']);
    expect(code).toBe(2);
    expect(stdout.toString()).not.toContain('hunter2');
    const told = JSON.parse(stdout.toString());
    expect(told).toMatchObject({ ok: false, config: file });
    expect(told.problems).toEqual([
      {
        message: `${file}: line 3, column 12: heartbeat: 0: it must be more than 0`,
        ...{ key: 'heartbeat', file, line: 3, column: 12 },
      },
    ]);
    expect(told.settings).toContainEqual({
      key: 'grace',
      value: '3',
      from: { kind: 'file', file, line: 1, column: 1 },
    });
    expect(told.settings).toContainEqual({
      key: 'heartbeat',
      value: '15s',
      from: { kind: 'default' },
    });
  });
});

describe('SIGHUP', () => {
  it('has no call fail while the configuration changes again and again', async () => {
    const folder = await temporaryFolder();
    const policy = join(folder, 'policy.yaml');
    await writeFile(policy, 'principals: [{match: "*"}]');
    const always = { policy, audit: join(folder, 'audit.jsonl') };
    const configured = await serveConfigured(always, { reads: 3 });
    const { processes, server, sessions } = configured;
    const { session } = await sessions.createSession({});
    const sessionId = session?.sessionId ?? '';
    const script = `i=0; ${awaitRelease('go').replace('sleep', 'i=$((i + 1)); echo $i; sleep')}`;
    const spec = shellSpec(script, { cwd: configured.folder });
    const { process } = await processes.startProcess({ sessionId, spec });
    const watched = collect(
      processes.watchProcess({ sessionId, processId: process?.processId ?? '' }),
    );
    let calling = true;
    let calls = 0;
    const callers = Array.from({ length: CALLERS }, async () => {
      while (calling) {
        const events = await collect(processes.run({ spec: shellSpec('echo x') }));
        expect(outputOf(events).toString()).toBe('x\n');
        calls += 1;
      }
    });
    for (let change = 1; change <= CHANGES; change++) {
      const before = calls;
      const isBroken = change % 4 === 0;
      await configured.write(
        isBroken
          ? `max-sessions: ${change}\nlog-level: loud\n`
          : { ...always, 'max-sessions': 100 + change, keepalive: 20 + change },
      );
      const lines = await configured.hangUp();
      const { limits } = await server.getServerInfo({});
      expect(limits?.maxSessions).toBe(100 + (isBroken ? change - 1 : change));
      const read = lines.filter(({ what }) => what !== undefined);
      expect(read.map(({ what }) => what)).toEqual([
        'the configuration',
        'the policy',
        'the file of the audit',
      ]);
      if (isBroken) {
        expect(read[0]).toMatchObject({
          msg: KEPT,
          err: { key: 'log-level', line: 2, column: 12 },
        });
      } else {
        expect(lines).toContainEqual(expect.objectContaining({ msg: LATER, keys: ['keepalive'] }));
      }
      // It goes on under load.
      await expect.poll(() => calls, { interval: 5 }).toBeGreaterThan(before);
    }
    calling = false;
    await Promise.all(callers);
    await release(configured, 'go');
    const events = await watched;
    const counted = outputOf(events.filter(isStdout)).toString().trimEnd().split('\n');
    expect(counted).toEqual(counted.map((_, i) => String(i + 1)));
    expect(events.at(-1)?.event.case).toBe('closed');
  });

  it('changes how much is logged', async () => {
    const { hangUp, log, server, write } = await serveConfigured({ 'log-level': 'info' });
    const calls = () => log.filter(({ msg }) => msg === 'call').length;
    await server.getServerInfo({});
    await expect.poll(calls).toBe(1);
    await write({ 'log-level': 'debug' });
    await hangUp();
    await server.getServerInfo({});
    await expect.poll(calls).toBe(2);
  });

  it('leaves all as it was where the file is gone', async () => {
    const { file, hangUp, server } = await serveConfigured({ 'max-sessions': 5 });
    await rm(file);
    expect(await hangUp()).toContainEqual(
      expect.objectContaining({
        what: 'the configuration',
        msg: KEPT,
        err: expect.objectContaining({ message: `${file}: it cannot be read (ENOENT)` }),
      }),
    );
    expect((await server.getServerInfo({})).limits?.maxSessions).toBe(5);
  });

  it('leaves alone what a flag or a variable says', async () => {
    const { hangUp, server, write } = await serveConfigured(
      { 'max-sessions': 5, 'max-processes': 5 },
      { flags: ['--max-sessions', '50'], variables: { RUNLET_SERVE_MAX_PROCESSES: '60' } },
    );
    await write({ 'max-sessions': 6, 'max-processes': 6 });
    expect((await hangUp()).map(({ keys }) => keys)).toContainEqual([]);
    expect((await server.getServerInfo({})).limits).toMatchObject({
      maxSessions: 50,
      maxProcesses: 60,
    });
  });

  it('reads a policy again at once, and says what is wrong with it', async () => {
    const folder = await temporaryFolder();
    const policy = join(folder, 'policy.yaml');
    await writeFile(policy, 'principals: [{match: "*"}]');
    const { hangUp, sessions } = await serveConfigured({ policy }, { reads: 2 });
    await sessions.createSession({});
    await writeFile(policy, 'principals: 5');
    const lines = await hangUp();
    const [line] = lines.filter(({ what }) => what === 'the policy');
    expect(line?.msg).toBe(KEPT);
    await sessions.createSession({});
    await writeFile(policy, 'principals: []');
    await hangUp();
    await expect(sessions.createSession({})).rejects.toThrow('PERMISSION_DENIED');
    expect(await readFile(policy, 'utf8')).toBe('principals: []');
  });
});
