import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { RunletError } from '../../../src/errors.ts';
import { DEFAULT_LIMITS } from '../../../src/limits.ts';
import { childProcessLauncher } from '../../../src/process/child-process-launcher.ts';
import { posixSpawnLauncher } from '../../../src/process/native/posix-spawn-launcher.ts';
import { ProcessHost, type ProcessHostOptions } from '../../../src/process/process-host.ts';
import { scanProcesses } from '../../../src/process/process-scan.ts';
import type { ProcessSpec } from '../../../src/process/process-spec.ts';
import { userSwitchFinder } from '../../../src/process/users/user-switch.ts';
import type { SandboxSpec } from '../../../src/sandbox/sandbox-spec.ts';
import { decodeBatch } from '../../support/decode.ts';
import { temporaryFolder } from '../../support/harness.ts';
import { memoryStore } from '../../support/output.ts';
import { ANY_SANDBOX, handSandboxes, hasBwrap } from '../../support/sandbox.ts';
import { ScriptedLauncher } from '../../support/scripted-launcher.ts';

const launcher = posixSpawnLauncher();
const ENVIRONMENT = new Map([
  ['PATH', '/usr/bin:/bin'],
  ['PWD', '/srv'],
  ['TMPDIR', '/var/tmp'],
]);
const POLICY = {
  inherit: 'all',
  ignoreDefaultExcludes: false,
  exclude: [],
  set: new Map(),
  includeOnly: [],
} as const;

type Hand = ReturnType<typeof handSandboxes>;

/** A host whose sandboxes are written by hand. */
function host(hand?: Hand, more: Partial<ProcessHostOptions> = {}) {
  const processes = new ProcessHost({
    launcher,
    clock: systemClock,
    limits: DEFAULT_LIMITS,
    environment: ENVIRONMENT,
    store: memoryStore(systemClock),
    users: userSwitchFinder(launcher, systemClock),
    sandboxes: hand?.sandboxes,
    ...more,
  });
  onTestFinished(() => processes.drain(0, 60_000));
  const { spec } = new ScriptedLauncher().request();
  let count = 0;
  const start = async (script: string, own: Partial<ProcessSpec> = {}) => {
    count += 1;
    const argv = ['sh', '-c', script];
    return processes.start({
      id: `p${count}`,
      owner: '',
      principal: 'one',
      assertWanted: () => {},
      spec: {
        ...spec,
        argv,
        arg0: 'sh',
        retainedBytes: 1_000_000,
        envPolicy: POLICY,
        cwd: '/srv',
        leftToServer: new Set(['cwd']),
        sandbox: ANY_SANDBOX,
        ...own,
      },
    });
  };
  /** What a script writes to standard output. */
  const outputOf = async (script: string, own: Partial<ProcessSpec> = {}): Promise<string> => {
    const process = await start(script, own);
    await process.closed.wait();
    const cursor = process.openCursor(0);
    const events = decodeBatch(await cursor.read(1_000_000));
    cursor.close();
    return events
      .map(({ event }) => (event.case === 'output' ? Buffer.from(event.value.data).toString() : ''))
      .join('');
  };
  return { processes, start, outputOf };
}

async function detailsOf(start: Promise<unknown>) {
  const error = await start.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof RunletError ? { reason: error.reason, ...error.details } : error;
}

describe('a start without a sandbox', () => {
  it('is refused where one is required, before anything is done for it', async () => {
    const hand = handSandboxes({ required: true });
    const { processes, start } = host(hand);
    const refused = await detailsOf(start(':', { sandbox: undefined }));
    expect(refused).toMatchObject({ reason: 'SANDBOX_REQUIRED' });
    expect(processes.size).toBe(0);
  });
});

describe('a start in a sandbox', () => {
  it.each([
    ['there are none', undefined, launcher],
    ['the launcher has none', handSandboxes(), childProcessLauncher],
  ] as const)('is refused where %s', async (_name, hand, which) => {
    const { start } = host(hand, { launcher: which });
    const refused = await detailsOf(start(':'));
    expect(refused).toMatchObject({ reason: 'SANDBOX_UNAVAILABLE' });
    expect(refused).toMatchObject({ sandboxFailure: { step: 'mechanism' } });
  });
});

describe.skipIf(!hasBwrap)('a process that a host starts in a sandbox', () => {
  it('says so', async () => {
    const { start } = host(handSandboxes());
    const process = await start(':');
    expect(process.record.sandbox).toBe('bubblewrap');
    const cursor = process.openCursor(0);
    const [first] = decodeBatch(await cursor.read(1_000));
    cursor.close();
    expect(first?.event).toMatchObject({ case: 'started', value: { sandbox: 'bubblewrap' } });
  });

  it('starts in its private folder, and is told of it, unless its spec says more', async () => {
    const hand = handSandboxes();
    const { outputOf } = host(hand);
    const script = 'pwd; echo $TMPDIR; cat /proc/self/environ | tr "\\0" "\\n" | grep ^PWD';
    expect(await outputOf(script)).toBe('/tmp\n/tmp\nPWD=/tmp\n');
    const named = { cwd: '/usr/lib', leftToServer: new Set([]) };
    expect(await outputOf('pwd', named)).toBe('/usr/lib\n');
    expect(await outputOf('echo $TMPDIR', { env: new Map([['TMPDIR', '/usr']]) })).toBe('/usr\n');
    expect(hand.asked.map(({ cwd }) => cwd)).toEqual([undefined, '/usr/lib', undefined]);
  });

  it('is found by its PATH among what can be seen, and nothing else', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'sh'), '#!/bin/sh\necho outside\n', { mode: 0o755 });
    const env = new Map([['PATH', `${folder}:/usr/bin:/bin`]]);
    const { outputOf, start } = host(handSandboxes());
    expect(await outputOf('echo inside', { env })).toBe('inside\n');
    const hidden = { env: new Map([['PATH', folder]]) };
    expect(await detailsOf(start(':', hidden))).toMatchObject({
      startFailure: { stage: 'PROGRAM', errnoName: 'ENOENT' },
    });
    expect(await detailsOf(start(':', { argv: [`${folder}/sh`] }))).toMatchObject({
      startFailure: { stage: 'PROGRAM', errnoName: 'ENOENT' },
    });
  });

  it('fails at its folder if that cannot be seen, or is not there and a rule names it', async () => {
    const hand = handSandboxes();
    const { start } = host(hand);
    const missing = { cwd: '/no/such/folder', leftToServer: new Set([]) };
    const failure = { startFailure: { stage: 'CWD', errnoName: 'ENOENT' } };
    expect(await detailsOf(start(':', missing))).toMatchObject(failure);
    expect(hand.asked).toHaveLength(1);
    const rule = { at: { place: 'cwd' }, access: 'read', missingOk: false } as const;
    const sandbox: SandboxSpec = { ...ANY_SANDBOX, layers: [{ rules: [rule], network: 'none' }] };
    expect(await detailsOf(start(':', { ...missing, sandbox }))).toMatchObject(failure);
    expect(hand.asked).toHaveLength(1);
  });

  it('releases its sandbox whenever it fails', async () => {
    const hand = handSandboxes({ program: '/no/such/bwrap' });
    const { processes, start } = host(hand);
    const guard = {
      admit: async (spec: ProcessSpec) => spec,
      approveUser: () => {},
      approve: () => Promise.reject(new RunletError('POLICY_DENIED')),
      started: () => {},
    };
    expect(await detailsOf(start(':'))).toMatchObject({
      reason: 'START_FAILED',
      startFailure: { stage: 'SANDBOX' },
      sandboxFailure: { step: 'mechanism', errnoName: 'ENOENT' },
    });
    const denied = processes.start({
      id: 'denied',
      owner: '',
      principal: 'one',
      assertWanted: () => {},
      guard,
      spec: { ...new ScriptedLauncher().request().spec, sandbox: ANY_SANDBOX },
    });
    expect(await detailsOf(denied)).toMatchObject({ reason: 'POLICY_DENIED' });
    expect(await detailsOf(start(':', { argv: ['no-such-program'] }))).toMatchObject({
      startFailure: { stage: 'PROGRAM', errnoName: 'ENOENT' },
    });
    expect(hand.released()).toEqual(hand.released().map(() => expect.any(Number)));
    expect(hand.released().every((times) => times > 0)).toBe(true);
    expect(hand.released()).toHaveLength(3);
    expect(processes.size).toBe(0);
  });
});

describe.skipIf(!hasBwrap || process.getuid?.() !== 0)('one of another user', () => {
  it('is that user inside, with its pipes, its environment and nothing of ours', async () => {
    const { outputOf } = host(handSandboxes());
    const script =
      'id -u; id -G; echo $USER; grep Cap /proc/self/status; echo path > /dev/stdout; echo $LD_X; cat /proc/1/environ';
    const output = await outputOf(script, {
      user: 'nobody',
      env: new Map([['LD_X', 'a=b']]),
      mergeStderr: true,
    });
    const none = '0000000000000000';
    expect(output).toMatch(
      new RegExp(
        `^65534\n65534\nnobody\nCapInh:\t${none}\nCapPrm:\t${none}\nCapEff:\t${none}\nCapBnd:\t${none}\nCapAmb:\t${none}\npath\na=b\n.*Permission denied`,
        's',
      ),
    );
  });

  it('has its terminal', async () => {
    const { outputOf } = host(handSandboxes());
    const terminal = { columns: 70, rows: 20 };
    const output = await outputOf('stty size < /dev/tty; stat -Lc %u /proc/self/fd/0', {
      user: 'nobody',
      terminal,
    });
    expect(output).toBe('20 70\r\n65534\r\n');
  });

  it('ends with all that came of it', async () => {
    const hand = handSandboxes();
    const { start } = host(hand);
    const process = await start('(setsid sleep 1000 &); trap : TERM; while :; do sleep 1; done', {
      user: 'nobody',
    });
    await process.terminate('terminated', 0);
    expect(process.record.phase).toMatchObject({ exit: { status: { signal: 9 } } });
    await vi.waitFor(() => expect(hand.released()).toEqual([1]), 60_000);
  });
});

/** What forks and leaves the session as it likes. */
const SHAPES = {
  daemon: 'setsid sh -c "(setsid sleep 1000 &)"; echo up',
  'daemon that ignores': 'trap "" TERM HUP; (setsid sh -c "sleep 1000; :" &); echo up; sleep 1000',
  loop: 'f() { while :; do sh -c : & wait $!; done; }; f & f & (setsid sh -c "while :; do sleep 0.01; done" &); echo up; wait',
};

describe.skipIf(!hasBwrap).each(Object.entries(SHAPES))('a %s in a sandbox', (_name, script) => {
  it('ends with its process, and with the server', async () => {
    const hand = handSandboxes();
    const { processes, start } = host(hand);
    const [ended, drained, released] = await Promise.all([
      start(script),
      start(script),
      start(script),
    ]);
    await vi.waitFor(() => {
      for (const { lastSeq } of [ended, drained, released]) expect(lastSeq).toBeGreaterThan(1);
    }, 60_000);
    const firsts = (await scanProcesses())?.byParent;
    expect(firsts?.size).toBeGreaterThan(0);
    await ended.terminate('terminated', 50);
    expect(ended.exited.isOpen).toBe(true);
    await vi.waitFor(() => expect(hand.released().filter((times) => times > 0)).toHaveLength(1), {
      timeout: 60_000,
    });
    processes.releaseAndEnd(released);
    await processes.drain(50, 60_000);
    await vi.waitFor(() => expect(hand.released().every((times) => times === 1)).toBe(true), {
      timeout: 60_000,
    });
    expect(await drained.tree.hasMembers('tree')).toBe(false);
  });
});
