import { existsSync } from 'node:fs';
import { mkdir, realpath, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { Inherit, type ProcessSpecSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import { LivePolicy } from '../../src/policy/live-policy.ts';
import { parsePolicy } from '../../src/policy/parse-policy.ts';
import { createLauncher } from '../../src/process/launchers.ts';
import { collect, outputOf } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import {
  connectClients,
  type Harness,
  LAUNCHER,
  serveHere,
  temporaryFolder,
} from '../support/harness.ts';
import { as, namedCallers } from '../support/named-callers.ts';

type SpecInit = MessageInitShape<typeof ProcessSpecSchema>;

const SH = await realpath('/bin/sh');

/** The user of these tests by number, and another. */
const OWN = String(process.geteuid?.() ?? 0);

interface Policed extends Pick<Harness, 'folder' | 'log' | 'processes' | 'sessions' | 'server'> {
  readonly sessionId: string;
  readonly live: LivePolicy;
  /** Starts it as `ci`, in its session. */
  start(spec: SpecInit): Promise<unknown>;
  /** What it writes when it is run as `ci`. */
  run(spec: SpecInit): Promise<string>;
  /** The rule that a start is denied by, in all ways to start; it leaves nothing. */
  deniedBy(spec: SpecInit): Promise<string>;
  /** The records of the audit, without what each line of the log has. */
  audit(): readonly Readonly<Record<string, unknown>>[];
}

/** A server whose policy says this of `ci`, in a folder that is a real path. */
async function policed(
  rules: string | ((folder: string) => string),
  launcher = createLauncher(LAUNCHER),
): Promise<Policed> {
  const base = await realpath(await temporaryFolder());
  const text = typeof rules === 'string' ? rules : rules(base);
  const policyText = `principals: [{ match: 'token:ci', ${text} }]`;
  const live = new LivePolicy(parsePolicy(policyText));
  const folder = await temporaryFolder();
  const address = { kind: 'unix', path: join(folder, 'runlet.sock') } as const;
  const auth = [namedCallers({ ci: {}, other: {}, few: { grants: new Set(['observe']) } })];
  const served = await serveHere({
    listeners: [{ address, auth }],
    policy: live,
    cwd: base,
    launcher,
  });
  const clients = connectClients(address);
  const { processes, sessions } = clients;
  const { session } = await sessions.createSession({}, as('ci'));
  const sessionId = session?.sessionId ?? '';
  const start = (spec: SpecInit): Promise<unknown> =>
    processes.startProcess({ sessionId, spec }, as('ci'));
  const run = async (spec: SpecInit): Promise<string> =>
    outputOf(await collect(processes.run({ spec }, as('ci')))).toString();
  const deniedBy = async (spec: SpecInit): Promise<string> => {
    const target = { sessionId, processId: 'p', requestId: 'r', spec };
    async function* interaction() {
      yield { request: { case: 'start' as const, value: target } };
    }
    const calls = [
      () => processes.startProcess(target, as('ci')),
      () => collect(processes.run({ spec }, as('ci'))),
      async () => {
        for await (const _ of processes.interact(interaction(), as('ci')));
      },
    ];
    const rulesOf = [];
    for (const call of calls) {
      const { error, info, summary } = await failureOf(call());
      expect(summary).toBe('PERMISSION_DENIED/POLICY_DENIED');
      const rule = info?.metadata['rule'] ?? '';
      expect(error.details).toBe(`the policy of the server forbids this (${rule})`);
      rulesOf.push(rule);
    }
    expect((await processes.listProcesses({ sessionId }, as('ci'))).processes).toEqual([]);
    expect(new Set(rulesOf).size).toBe(1);
    return rulesOf[0] ?? '';
  };
  const audit = (): readonly Readonly<Record<string, unknown>>[] =>
    served.log
      .map((line): Readonly<Record<string, unknown>> => JSON.parse(line))
      .filter((line) => line['audit'] === true)
      .map(({ level: _level, msg: _msg, time: _time, audit: _audit, ...record }) => record);
  return { ...served, ...clients, folder: base, sessionId, live, start, run, deniedBy, audit };
}

/** Leaves `ran` in a folder. */
const mark = (folder: string): string[] => [SH, '-c', `echo > ${folder}/ran`];

describe('the programs of a policy', () => {
  it('are what may be started, by their real paths', async () => {
    const { deniedBy, folder, run } = await policed(
      (base) => `programs: ['${SH}', '${base}/ok/*']`,
    );
    const env = { PATH: process.env['PATH'] ?? '' };
    expect(await run({ argv: [SH, '-c', 'echo hi'], env })).toBe('hi\n');
    expect(await deniedBy({ argv: ['/usr/bin/env', ...mark(folder)] })).toBe('programs');
    expect(await deniedBy({ argv: ['env', ...mark(folder)], env })).toBe('programs');
    expect(await deniedBy({ argv: ['/no/such/program'] })).toBe('programs');
    expect(existsSync(`${folder}/ran`)).toBe(false);
  });

  it('are not reached by links, detours, or a folder of the caller', async () => {
    const { deniedBy, folder, run } = await policed((base) => `programs: ['${base}/ok/**']`);
    await mkdir(`${folder}/ok`);
    await mkdir(`${folder}/bad`);
    await writeFile(`${folder}/bad/tool`, `#!${SH}\necho > ${folder}/ran\n`, { mode: 0o755 });
    await writeFile(`${folder}/ok/fine`, `#!${SH}\necho "$0"\n`, { mode: 0o755 });
    await symlink(`${folder}/bad/tool`, `${folder}/ok/link`);
    await symlink(`${folder}/bad`, `${folder}/ok/folder`);
    await symlink(`${folder}/ok/fine`, `${folder}/bad/to-fine`);
    const argvs = ['ok/link', 'ok/folder/tool', 'ok/../bad/tool', 'bad/tool', 'bad/to-fine'];
    for (const path of argvs) {
      expect([path, await deniedBy({ argv: [`${folder}/${path}`] })]).toEqual([path, 'programs']);
      expect([path, await deniedBy({ argv: [`./${path}`], cwd: folder })]).toEqual([
        path,
        'programs',
      ]);
    }
    expect(await deniedBy({ argv: ['tool'], env: { PATH: `${folder}/bad` } })).toBe('programs');
    expect(existsSync(`${folder}/ran`)).toBe(false);
    expect(await run({ argv: [`${folder}/bad/../ok/fine`] })).toBe(`${folder}/ok/fine\n`);
    expect(await run({ argv: ['ok/fine'], cwd: folder })).toBe(`${folder}/ok/fine\n`);
  });

  it('are what is executed, though a link is changed after it was looked at', async () => {
    const launcher = createLauncher(LAUNCHER);
    let swap: (() => Promise<void>) | undefined;
    const { folder, run } = await policed((base) => `programs: ['${base}/**', '${SH}']`, {
      ...launcher,
      async launch(request) {
        await swap?.();
        return launcher.launch(request);
      },
    });
    await writeFile(`${folder}/good`, `#!${SH}\necho good\n`, { mode: 0o755 });
    await symlink('good', `${folder}/tool`);
    swap = async () => {
      await symlink('/usr/bin/env', `${folder}/other`);
      await rename(`${folder}/other`, `${folder}/tool`);
    };
    expect(await run({ argv: [`${folder}/tool`] })).toBe('good\n');
  });

  it('say what is wrong with one that may be started', async () => {
    const { folder, start } = await policed((base) => `programs: ['${base}/*']`);
    const { startFailure, summary } = await failureOf(start({ argv: [`${folder}/none`] }));
    expect([summary, startFailure?.errnoName]).toEqual([
      'FAILED_PRECONDITION/START_FAILED',
      'ENOENT',
    ]);
  });

  it('come with the variables that would load other code', async () => {
    const { deniedBy } = await policed(`programs: ['${SH}']`);
    expect(await deniedBy({ argv: [SH], env: { LD_PRELOAD: '/x' } })).toBe('environment');
    const functions = { 'BASH_FUNC_echo%%': '() { exit 1; }' };
    expect(await deniedBy({ argv: [SH], env: functions })).toBe('environment');
    const traced = { set: { SHELLOPTS: 'xtrace', PS4: '$(exit 1)' } };
    expect(await deniedBy({ argv: [SH], envPolicy: traced })).toBe('environment');
    expect(await deniedBy({ argv: [SH], env: { ZDOTDIR: '/x' } })).toBe('environment');
    const envPolicy = { inherit: Inherit.NONE, set: { ld_audit: '/x' } };
    expect(await deniedBy({ argv: [SH], envPolicy })).toBe('environment');
  });
});

describe('the folders of a policy', () => {
  it('are where processes start, and links do not lead out of them', async () => {
    const { deniedBy, folder, run, start } = await policed((base) => `folders: ['${base}/in']`);
    await mkdir(`${folder}/in/deep`, { recursive: true });
    await mkdir(`${folder}/inside`);
    await symlink('/', `${folder}/in/root`);
    await symlink('in/deep', `${folder}/way-in`);
    const pwd = (cwd: string): SpecInit => ({ argv: [SH, '-c', 'pwd -P'], cwd });
    for (const cwd of ['/', folder, `${folder}/inside`, `${folder}/in/root`, `${folder}/in/..`]) {
      expect([cwd, await deniedBy({ ...pwd(cwd), argv: mark(folder) })]).toEqual([cwd, 'folders']);
    }
    // Its default is one as well.
    expect(await deniedBy({ argv: mark(folder) })).toBe('folders');
    expect(await deniedBy(pwd('/no/such/folder'))).toBe('folders');
    expect(existsSync(`${folder}/ran`)).toBe(false);
    for (const cwd of ['in/deep', 'way-in', 'in/../in/deep/', 'in/root/../in/deep']) {
      const wanted = cwd.startsWith('in/root') ? undefined : `${folder}/in/deep\n`;
      if (wanted !== undefined) expect(await run(pwd(`${folder}/${cwd}`))).toBe(wanted);
    }
    const { startFailure } = await failureOf(start(pwd(`${folder}/in/none`)));
    expect(startFailure?.errnoName).toBe('ENOENT');
  });
});

describe('the other rules of a policy', () => {
  const argv = [SH, '-c', 'echo ok'];

  it('say how variables may be inherited, and which may be set', async () => {
    const { deniedBy, run } = await policed(
      "environment: { inherit: [core, none], set: ['CI_*', 'PATH'], forbid: ['*_SECRET'] }",
    );
    expect(await run({ argv, envPolicy: { inherit: Inherit.CORE }, env: { CI_A: '1' } })).toBe(
      'ok\n',
    );
    expect(await deniedBy({ argv, envPolicy: { inherit: Inherit.ALL } })).toBe('environment');
    expect(await deniedBy({ argv, envPolicy: {} })).toBe('environment');
    expect(await deniedBy({ argv, env: { OTHER: '' } })).toBe('environment');
    expect(await deniedBy({ argv, env: { CI_SECRET: '' } })).toBe('environment');
    const rawEnv = [{ name: Buffer.from('X'), value: Buffer.of(0xff) }];
    expect(await deniedBy({ argv, rawEnv })).toBe('environment');
    const envPolicy = { inherit: Inherit.NONE, set: { OTHER: '' } };
    expect(await deniedBy({ argv, envPolicy })).toBe('environment');
  });

  it('forbid terminals', async () => {
    const { deniedBy, run } = await policed('terminals: false');
    expect(await deniedBy({ argv, terminal: {} })).toBe('terminals');
    expect(await run({ argv })).toBe('ok\n');
  });

  it('say whom processes run as', async () => {
    const anybody = await policed('terminals: true');
    expect(await anybody.deniedBy({ argv, user: 'daemon' })).toBe('users');
    // Who is not there looks the same.
    expect(await anybody.deniedBy({ argv, user: 'no-such-user' })).toBe('users');
    expect(await anybody.run({ argv, user: OWN })).toBe('ok\n');
    const others = await policed('users: [no-such-*, 70000]');
    expect(await others.deniedBy({ argv })).toBe('users');
    expect(await others.deniedBy({ argv, user: OWN })).toBe('users');
    const { summary } = await failureOf(others.start({ argv, user: 'no-such-user' }));
    expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    expect(await (await policed(`users: [${OWN}]`)).run({ argv })).toBe('ok\n');
  });

  it('ask for labels', async () => {
    const { deniedBy, run } = await policed("labels: { team: '*', ticket: 'AB-*' }");
    expect(await run({ argv, labels: { team: 'x/y', ticket: 'AB-1', more: '' } })).toBe('ok\n');
    expect(await deniedBy({ argv, labels: { team: 'x' } })).toBe('labels');
    expect(await deniedBy({ argv, labels: { team: 'x', ticket: 'CD-1' } })).toBe('labels');
  });

  it('bound how long a process runs and is kept', async () => {
    const { deniedBy, run } = await policed(
      'limits: { max_timeout: 60, timeout_required: true, max_retained_bytes: 1MiB, max_retention: 5 }',
    );
    const seconds = (count: number) => ({ seconds: BigInt(count), nanos: 0 });
    const timeout = seconds(60);
    expect(await run({ argv, timeout })).toBe('ok\n');
    expect(await deniedBy({ argv })).toBe('limits');
    expect(await deniedBy({ argv, timeout: seconds(61) })).toBe('limits');
    const output = { retainedBytes: 2n ** 20n + 1n };
    expect(await deniedBy({ argv, timeout, output })).toBe('limits');
    expect(await deniedBy({ argv, timeout, retention: seconds(6) })).toBe('limits');
  });

  it('end a process that asks for no timeout when that of the policy is over', async () => {
    const { processes } = await policed('limits: { max_timeout: 200ms }');
    const events = await collect(
      processes.run(
        { spec: { argv: [SH, '-c', 'exec sleep 1000'], env: { PATH: '/usr/bin:/bin' } } },
        as('ci'),
      ),
    );
    const exited = events.map(({ event }) => event).find(({ case: kind }) => kind === 'exited');
    expect(exited?.case === 'exited' && exited.value.reason).toBe(3);
  });

  it.skipIf(!createLauncher(LAUNCHER).limits)(
    'limit what processes use that ask for nothing',
    async () => {
      const { deniedBy, run } = await policed('limits: { resources: { open_files: 40 } }');
      const ulimit = [SH, '-c', 'ulimit -n'];
      expect(await run({ argv: ulimit })).toBe('40\n');
      expect(await run({ argv: ulimit, limits: { openFiles: 30n } })).toBe('30\n');
      expect(await deniedBy({ argv: ulimit, limits: { openFiles: 41n } })).toBe('limits');
    },
  );

  it('are asked again by nobody who repeats a start', async () => {
    const { live, processes, sessionId } = await policed('terminals: true');
    const request = {
      sessionId,
      requestId: 'same',
      spec: { argv: [SH, '-c', 'read x'], stdin: 2 },
    };
    const first = await processes.startProcess(request, as('ci'));
    live.replace(parsePolicy("principals: [{ match: 'token:ci', programs: [] }]"));
    const again = await processes.startProcess(request, as('ci'));
    expect(again.process?.processId).toBe(first.process?.processId);
    expect(again.process?.state).toBe(1);
  });
});

describe('the grants of a policy', () => {
  it('bound those of credentials, in calls and in messages', async () => {
    const { processes, server, sessionId, start } = await policed('grants: [start, observe]');
    await start({ argv: [SH, '-c', 'read x'] });
    const kill = processes.signalProcess({ sessionId, processId: 'x' }, as('ci'));
    const denied = await failureOf(kill);
    expect([denied.summary, denied.info?.metadata['rule']]).toEqual([
      'PERMISSION_DENIED/POLICY_DENIED',
      'grants',
    ]);
    const { caller } = await server.getServerInfo({}, as('ci'));
    expect(caller?.grants).toEqual(['start', 'observe']);
    const spec = { argv: [SH, '-c', 'read x'], stdin: 2 };
    async function* messages() {
      yield { request: { case: 'start' as const, value: { sessionId, spec } } };
      yield { request: { case: 'stdin' as const, value: { data: Buffer.from('x\n') } } };
    }
    const reading = async (): Promise<void> => {
      for await (const _ of processes.interact(messages(), as('ci')));
    };
    expect((await failureOf(reading())).summary).toBe('PERMISSION_DENIED/POLICY_DENIED');
  });

  it('are none for a caller that it does not name, and missing ones stay missing', async () => {
    const { processes, server, sessions } = await policed('terminals: true');
    for (const call of [
      sessions.createSession({}, as('other')),
      sessions.listSessions({}, as('other')),
      collect(processes.run({ spec: { argv: [SH] } }, as('other'))),
    ]) {
      const { info, summary } = await failureOf(call);
      expect([summary, info?.metadata['rule']]).toEqual([
        'PERMISSION_DENIED/POLICY_DENIED',
        'grants',
      ]);
    }
    expect((await server.getServerInfo({}, as('other'))).caller?.grants).toEqual([]);
    const few = await failureOf(sessions.createSession({}, as('few')));
    expect(few.summary).toBe('PERMISSION_DENIED/GRANT_MISSING');
  });
});

describe('the audit', () => {
  it('has a line for each start and each denial, and tells the caller less', async () => {
    const { audit, folder, log, processes, sessionId, sessions, start } = await policed(
      `programs: ['${SH}']`,
    );
    const secret = 'my-secret-argument';
    await start({ argv: [SH, '-c', `: ${secret}`] });
    await failureOf(start({ argv: ['/usr/bin/env', secret] }));
    await failureOf(
      collect(processes.run({ spec: { argv: [SH], cwd: `${folder}/none` } }, as('ci'))),
    );
    await failureOf(sessions.createSession({}, as('few')));
    await failureOf(sessions.createSession({}, as('stranger')));
    await expect.poll(() => audit().length).toBe(5);
    const of = (record: object) => ({
      principal: 'token:ci',
      session_id: '',
      process_id: '',
      reason: '',
      detail: expect.anything(),
      ...record,
    });
    const started = { outcome: 'ok', process_id: expect.stringMatching(/./), detail: SH };
    expect(audit()).toEqual([
      of({ action: 'StartProcess', session_id: sessionId, ...started }),
      of({
        action: 'StartProcess',
        session_id: sessionId,
        outcome: 'denied',
        reason: 'POLICY_DENIED',
        detail: await realpath('/usr/bin/env'),
      }),
      of({ action: 'Run', outcome: 'failed', reason: 'START_FAILED', detail: 'CWD ENOENT' }),
      of({
        principal: 'token:few',
        action: 'CreateSession',
        outcome: 'denied',
        reason: 'GRANT_MISSING',
        detail: 'start',
      }),
      of({ principal: '', action: 'CreateSession', outcome: 'denied', reason: 'UNAUTHENTICATED' }),
    ]);
    expect(log.join('')).not.toContain(secret);
  });
});
