import { execFileSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StartStage } from '../../src/gen/runlet/v1/error_pb.ts';
import { OutputStream } from '../../src/gen/runlet/v1/event_pb.ts';
import type { ProcessSpecSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import { Signal } from '../../src/gen/runlet/v1/signal_pb.ts';
import { createLauncher } from '../../src/process/launchers.ts';
import { connectTo } from '../support/client.ts';
import { collect, isStdout, outputOf, readUntil, summarize } from '../support/events.ts';
import { expectNothingLeft } from '../support/failed-start.ts';
import { failureOf } from '../support/failure.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { isAlive } from '../support/pids.ts';

type SpecInit = MessageInitShape<typeof ProcessSpecSchema>;

const NOBODY = 'nobody';
const PATH = process.env['PATH'] ?? '/usr/bin:/bin';
const { CWD, PROGRAM } = StartStage;

const idOf = (...args: string[]): string => execFileSync('id', args, { encoding: 'utf8' }).trim();

/** Why processes cannot run as other users here; undefined: they can. */
const CANNOT = process.getuid?.() === 0 ? undefined : 'only root can run processes as others';

/** What a process writes that runs to its end. */
async function outputOfRun(harness: Harness, spec: SpecInit): Promise<string> {
  const events = await collect(harness.processes.run({ spec: { cwd: '/', ...spec } }));
  const all = [OutputStream.STDERR, OutputStream.STDOUT, OutputStream.TERMINAL];
  return all.map((stream) => outputOf(events, stream).toString()).join('');
}

const sh = (script: string, more: SpecInit = {}): SpecInit => ({
  argv: ['sh', '-c', script],
  env: { PATH },
  user: NOBODY,
  ...more,
});

/** A folder that others can enter, with a program in it that all can read and `mode` says who may execute. */
async function withProgram(harness: Harness, mode: number, text: string): Promise<string> {
  await chmod(harness.folder, 0o755);
  const path = join(harness.folder, 'program');
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

describe.skipIf(CANNOT)(`a process of another user (${CANNOT ?? 'as root'})`, () => {
  it('has the ids and groups of that user, no capabilities, and its pid', async () => {
    const harness = await startHarness();
    const script =
      'id -u; id -g; id -G; id -ru; grep -E "^Cap(Prm|Eff|Amb)" /proc/self/status; echo $$';
    const { sessionId } = harness;
    const { process: started } = await harness.processes.startProcess({
      sessionId,
      spec: sh(script, { cwd: '/' }),
    });
    const processId = started?.processId ?? '';
    const events = await collect(harness.processes.watchProcess({ sessionId, processId }));
    const lines = outputOf(events).toString().trim().split('\n');
    const uid = idOf('-u', NOBODY);
    expect(lines.slice(0, 4)).toEqual([uid, idOf('-g', NOBODY), idOf('-G', NOBODY), uid]);
    for (const set of lines.slice(4, 7)) expect(set).toMatch(/^Cap\w+:\t0+$/);
    expect(lines[7]).toBe(String(started?.pid));
  });

  it('can be asked for by number', async () => {
    const harness = await startHarness();
    expect(await outputOfRun(harness, sh('id -un', { user: idOf('-u', NOBODY) }))).toBe('nobody\n');
  });

  it.each(['daemon', 'root'])('has all groups of %s', async (user) => {
    const harness = await startHarness();
    expect(await outputOfRun(harness, sh('id -un; id -G', { user }))).toBe(
      `${user}\n${idOf('-G', user)}\n`,
    );
  });

  it('has the variables that say who it is, unless others are asked for', async () => {
    const harness = await startHarness({
      environment: new Map([
        ['HOME', '/root'],
        ['A', 'b'],
      ]),
    });
    const script = 'echo "$HOME $USER $LOGNAME $SHELL"';
    const [home, shell] = execFileSync('getent', ['passwd', NOBODY], { encoding: 'utf8' })
      .trim()
      .split(':')
      .slice(5);
    const all = { inherit: 1 };
    expect(await outputOfRun(harness, sh(script))).toBe(`${home} nobody nobody ${shell}\n`);
    expect(await outputOfRun(harness, sh(script, { envPolicy: all }))).toBe(
      `${home} nobody nobody ${shell}\n`,
    );
    const env = { PATH, HOME: '/x', SHELL: '' };
    expect(await outputOfRun(harness, sh(script, { env }))).toBe('/x nobody nobody \n');
    const envPolicy = { ...all, set: { USER: 'other' } };
    expect(await outputOfRun(harness, sh(script, { envPolicy }))).toBe(
      `${home} other nobody ${shell}\n`,
    );
  });

  it('has exactly the variables that are asked for, those of the loader and of locales too', async () => {
    const harness = await startHarness();
    const env = {
      PATH,
      LANG: 'xx_YY',
      LC_ALL: 'C',
      LD_LIBRARY_PATH: '/nowhere',
      TMPDIR: '/t m p',
      'odd name.': 'x\ny',
      SECRET: 'quiet',
      EMPTY: '',
    };
    const own = { HOME: '/', USER: 'u', LOGNAME: 'l', SHELL: 's' };
    const text = await outputOfRun(harness, {
      argv: ['env', '-0'],
      env: { ...env, ...own },
      user: NOBODY,
    });
    expect(
      Object.fromEntries(
        text
          .split('\0')
          .slice(0, -1)
          .map((line) => /^([^=]*)=(.*)$/s.exec(line)?.slice(1) ?? []),
      ),
    ).toEqual({ ...env, ...own });
  });

  it('never runs code of the caller with the rights of the server', async (context) => {
    const harness = await startHarness();
    await chmod(harness.folder, 0o777);
    const source = join(harness.folder, 'evil.c');
    const library = join(harness.folder, 'evil.so');
    const log = join(harness.folder, 'log');
    await writeFile(log, '');
    await chmod(log, 0o666);
    await writeFile(
      source,
      `#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void ran(void) {
  FILE *file = fopen("${log}", "a");
  if (file) { fprintf(file, "%d\\n", (int)geteuid()); fclose(file); }
}
`,
    );
    try {
      execFileSync('cc', ['-shared', '-fPIC', '-o', library, source], { stdio: 'ignore' });
    } catch {
      context.skip('there is no C compiler');
    }
    await chmod(library, 0o755);
    await outputOfRun(harness, sh('true', { env: { PATH, LD_PRELOAD: library } }));
    const who = execFileSync('cat', [log], { encoding: 'utf8' }).trim().split('\n');
    expect(new Set(who)).toEqual(new Set([idOf('-u', NOBODY)]));
  });

  it('gets arguments and output through exactly, and says how it ended', async () => {
    const harness = await startHarness();
    const argv = ['printf', '%s|', '', '--', 'a=b', ' x ', '\u{1f600}'];
    expect(await outputOfRun(harness, { argv, env: { PATH }, user: NOBODY })).toBe(
      '|--|a=b| x |\u{1f600}|',
    );
    const ended = await collect(harness.processes.run({ spec: { cwd: '/', ...sh('exit 7') } }));
    expect(summarize(ended).at(-2)).toBe('exited code 7 reason 1');
  });

  it('can open its own pipes by name', async () => {
    const harness = await startHarness({ launcher: createLauncher('posix_spawn') });
    const script = 'echo out > /dev/stdout; echo err > /dev/stderr; cat < /dev/stdin';
    const text = await collect(
      harness.processes.run({ spec: { cwd: '/', ...sh(script) }, stdin: Buffer.from('in\n') }),
    );
    expect(outputOf(text).toString()).toBe('out\nin\n');
    expect(outputOf(text, OutputStream.STDERR).toString()).toBe('err\n');
  });

  it('owns its terminal', async () => {
    const harness = await startHarness({ launcher: createLauncher('posix_spawn') });
    const script = 'stat -c %U "$(tty)"; echo hi > "$(tty)"; stty size < /dev/tty';
    const text = await outputOfRun(harness, sh(script, { terminal: {} }));
    expect(text).toMatch(/^nobody\r\nhi\r\n24 80\r\n$/);
  });

  it('has the limits that were asked for', async () => {
    const harness = await startHarness({ launcher: createLauncher('posix_spawn') });
    const limits = { openFiles: 33n, coreBytes: 0n };
    expect(await outputOfRun(harness, sh('ulimit -n; ulimit -c', { limits }))).toBe('33\n0\n');
  });

  it('is signaled and ended with all that came of it', async () => {
    const harness = await startHarness({ launcher: createLauncher('posix_spawn') });
    const { processes, sessionId } = harness;
    const script = `trap 'echo got' USR1; setsid -f sh -c 'echo $$; exec sleep 1000' & echo ready
      while :; do sleep 0.05; done`;
    const { process: started } = await processes.startProcess({
      sessionId,
      spec: sh(script, { cwd: '/' }),
    });
    const target = { sessionId, processId: started?.processId ?? '' };
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    let text = '';
    const reads = async (what: RegExp): Promise<RegExpExecArray> => {
      for (;;) {
        const found = what.exec(text);
        if (found) return found;
        text += outputOf(await readUntil(watch, isStdout)).toString();
      }
    };
    const [, daemon] = await reads(/^(\d+)$/m);
    await reads(/ready\n/);
    await processes.signalProcess({ ...target, signal: Signal.USR1 });
    await reads(/got\n/);
    expect(isAlive(Number(daemon))).toBe(true);
    await processes.terminateProcess({ ...target, grace: { seconds: 0n, nanos: 0 } });
    expect(isAlive(Number(daemon))).toBe(false);
    expect(isAlive(Number(started?.pid))).toBe(false);
  });

  it('does not start where the user may not go, or what it may not execute', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const program = await withProgram(harness, 0o700, '#!/bin/sh\n');
    const locked = join(harness.folder, 'locked');
    await mkdir(locked, { mode: 0o700 });
    const odd = join(harness.folder, 'odd');
    await writeFile(odd, '#!/no/such/interpreter\n', { mode: 0o755 });
    await writeFile(join(harness.folder, 'text'), 'echo\n', { mode: 0o755 });
    const byLocked = join(harness.folder, 'by-locked');
    await writeFile(byLocked, `#!${program}\n`, { mode: 0o755 });
    const failing: readonly (readonly [SpecInit, StartStage, string])[] = [
      [{ argv: ['/bin/true'], cwd: locked }, CWD, 'EACCES'],
      [{ argv: ['/bin/true'], cwd: `${locked}/none` }, CWD, 'ENOENT'],
      [{ argv: [program], cwd: '/' }, PROGRAM, 'EACCES'],
      [{ argv: ['program'], cwd: '/', env: { PATH: harness.folder } }, PROGRAM, 'EACCES'],
      [{ argv: [`${harness.folder}/none`], cwd: '/' }, PROGRAM, 'ENOENT'],
      [{ argv: [harness.folder], cwd: '/' }, PROGRAM, 'EACCES'],
      [{ argv: [odd], cwd: '/' }, PROGRAM, 'ENOENT'],
      [{ argv: [byLocked], cwd: '/' }, PROGRAM, 'EACCES'],
      [{ argv: [`${harness.folder}/text`], cwd: '/' }, PROGRAM, 'ENOEXEC'],
    ];
    for (const [i, [spec, stage, errnoName]] of failing.entries()) {
      const id = `p${i}`;
      const start = processes.startProcess({
        sessionId,
        processId: id,
        spec: { user: NOBODY, ...spec },
      });
      const { startFailure, summary } = await failureOf(start);
      expect([spec.argv, summary]).toEqual([spec.argv, 'FAILED_PRECONDITION/START_FAILED']);
      expect(startFailure).toMatchObject({ stage, errnoName });
    }
    await expectNothingLeft(harness, 'p0');
  });

  it('enters its folder as the user, whatever that is to the server', async () => {
    const harness = await startHarness();
    await chmod(harness.folder, 0o700);
    const open = join(harness.folder, 'open');
    await mkdir(open);
    await chmod(open, 0o755);
    await writeFile(join(open, 'secret'), 'secret', { mode: 0o644 });
    const own = process.cwd();
    onTestFinished(() => process.chdir(own));
    process.chdir(open);
    const secret = sh('pwd -P; cat secret', { cwd: '/proc/self/cwd' });
    expect(await outputOfRun(harness, secret)).not.toMatch(/secret\n?$|open/);
    const { summary } = await failureOf(outputOfRun(harness, sh('cat secret', { cwd: open })));
    expect(summary).toBe('FAILED_PRECONDITION/START_FAILED');
  });

  it('starts where it was asked to, in whatever folder the user may enter', async () => {
    const harness = await startHarness();
    await chmod(harness.folder, 0o755);
    const odd = join(harness.folder, '-odd name=\n');
    await mkdir(odd);
    await chmod(odd, 0o755);
    expect(await outputOfRun(harness, sh('pwd -P', { cwd: odd }))).toBe(`${odd}\n`);
  });

  it('is followed, and its user looked up, without holding anybody up', async () => {
    const harness = await startHarness();
    const runs = Array.from({ length: 20 }, () => outputOfRun(harness, sh('id -un')));
    expect(new Set(await Promise.all(runs))).toEqual(new Set(['nobody\n']));
  });

  it('is told of by the server', async () => {
    const { server } = await startHarness();
    expect((await server.getServerInfo({})).capabilities?.users).toBe(true);
  });

  it('is started by the client', async () => {
    const { address } = await startHarness();
    const client = connectTo(address);
    const { stdout } = await client.run(['id', '-un'], { user: NOBODY, cwd: '/', env: { PATH } });
    expect(String(stdout)).toBe('nobody\n');
    await expect(client.run(['id'], { user: '' })).rejects.toThrow(
      'user must be the name of a user',
    );
  });
});

describe('a user that cannot be', () => {
  it.each(['no-such-user-here', '4294967295', '3999999999'])('is refused: %s', async (user) => {
    const harness = await startHarness();
    const { summary, badRequest } = await failureOf(outputOfRun(harness, sh('true', { user })));
    expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    expect(badRequest?.fieldViolations.map(({ field }) => field)).toEqual(['spec.user']);
  });

  it.each(['-x', 'a b', 'a:b', '+1', 'a\n', 'a,b', '../x', 'x'.repeat(257)])(
    'is refused as it is written: %j',
    async (user) => {
      const harness = await startHarness();
      const { summary } = await failureOf(outputOfRun(harness, sh('true', { user })));
      expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    },
  );

  it('is refused together with another name for the program', async () => {
    const harness = await startHarness();
    const { badRequest } = await failureOf(outputOfRun(harness, sh('true', { arg0: '-sh' })));
    expect(badRequest?.fieldViolations.map(({ field }) => field)).toEqual(['spec.arg0']);
  });
});

describe('the own user of a server', () => {
  it('can be asked for, whoever it is', async () => {
    const harness = await startHarness();
    const own = idOf('-un');
    expect(await outputOfRun(harness, sh('id -un; echo $LOGNAME', { user: own }))).toBe(
      `${own}\n${own}\n`,
    );
  });
});
