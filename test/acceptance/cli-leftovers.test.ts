import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseAddress } from '../../src/address.ts';
import { MAIN, runCli, spawnCli } from '../support/cli.ts';
import { firstLineOf } from '../support/first-line.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { isAlive, pidFrom } from '../support/pids.ts';
import { waitForFile } from '../support/wait-for-file.ts';

/** A server that a test may kill. */
interface Killable {
  readonly child: ChildProcess;
  readonly log: () => string;
  /** Starts a script, which writes a number into a file when it is ready. */
  start(script: string): Promise<void>;
}

/** Processes that use no pipe, in the ways in which they get away; each writes its number to `$1`. */
const ESCAPES = {
  'stays where it is':
    'exec sh -c \'echo $$ >"$1.new"; mv "$1.new" "$1"; exec sleep 1000\' sh "$1"',
  'made a session of its own, twice removed':
    '(setsid sh -c \'echo $$ >"$1.new"; mv "$1.new" "$1"; exec sleep 1000 <&- >&- 2>&-\' sh "$1" &) ; exit',
  'is stopped':
    'setsid sh -c \'echo $$ >"$1.new"; mv "$1.new" "$1"; kill -STOP $$; sleep 1000\' sh "$1" &',
  'ignores SIGTERM and SIGHUP':
    'trap "" TERM HUP; setsid sh -c \'echo $$ >"$1.new"; mv "$1.new" "$1"; sleep 1000; sleep 1000\' sh "$1" &',
} as const;

async function serve(folder: string, ...flags: readonly string[]): Promise<Killable> {
  const listen = `unix:${join(folder, 's')}`;
  const fixed = ['serve', '--listen', listen, '--state-dir', join(folder, 'state')];
  const child = spawnCli([...fixed, '--grace', '0.3', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: folder },
  });
  endAfterTest(child);
  let log = '';
  child.stderr?.on('data', (data: Buffer) => {
    log += data.toString();
  });
  await firstLineOf(child);
  const { processes, sessions } = connectClients(parseAddress(listen));
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  return {
    child,
    log: () => log,
    async start(script) {
      await processes.startProcess({ sessionId, spec: { argv: ['sh', '-c', script] } });
    },
  };
}

function endAfterTest(child: ChildProcess): void {
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await exited;
  });
}

async function killHard(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Kills a `run`, and before that what would end what it leaves. */
async function killWithWatch(run: ChildProcess): Promise<void> {
  const children = await readFile(`/proc/${run.pid}/task/${run.pid}/children`, 'latin1');
  for (const child of children.split(' ').slice(0, -1)) {
    const line = await readFile(`/proc/${child}/cmdline`, 'latin1');
    if (line.includes('end-leftovers')) process.kill(Number(child), 'SIGKILL');
  }
  await killHard(run);
}

/** Starts one that gets away in some way, and tells its number. */
async function startEscape(server: Killable, folder: string, script: string): Promise<number> {
  const file = join(folder, `pid-${Math.random()}`);
  await server.start(`set -- ${file}; ${script}`);
  return numberIn(file);
}

async function numberIn(file: string): Promise<number> {
  await waitForFile(file);
  const pid = pidFrom(await readFile(file, 'utf8'));
  onTestFinished(() => {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  return pid;
}

/** A `runlet run` whose program runs. */
async function runSleep(temporary: string): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawnCli(['run', '--', 'sh', '-c', 'echo $$; exec sleep 1000 <&- >&- 2>&-'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: temporary },
  });
  endAfterTest(child);
  return { child, pid: pidFrom(await firstLineOf(child)) };
}

describe('a server that was killed', () => {
  it.each(Object.entries(ESCAPES))(
    'has what it left ended by the next: one that %s',
    async (_, script) => {
      const folder = await temporaryFolder();
      const first = await serve(folder);
      const pid = await startEscape(first, folder, script);
      await killHard(first.child);
      expect(isAlive(pid)).toBe(true);
      const next = await serve(folder);
      await expect.poll(() => isAlive(pid)).toBe(false);
      // What it logged before may come later than the end.
      await expect.poll(next.log).toContain('ending what a server left that was killed');
      const records = async (): Promise<number> =>
        (await readdir(join(folder, 'state'))).filter((name) => name.startsWith('server-')).length;
      await expect.poll(records).toBe(1);
      next.child.kill();
      await once(next.child, 'exit');
      expect(await records()).toBe(0);
    },
  );

  it('leaves what is left to the one after, where the next is killed too', async () => {
    const folder = await temporaryFolder();
    const first = await serve(folder, '--grace', '1000');
    const pid = await startEscape(first, folder, ESCAPES['ignores SIGTERM and SIGHUP']);
    await killHard(first.child);
    const second = await serve(folder, '--grace', '1000');
    await expect.poll(second.log).toContain('ending what a server left that was killed');
    await killHard(second.child);
    expect(isAlive(pid)).toBe(true);
    await serve(folder);
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it('takes nothing along of those that run: with its folder, or another', async () => {
    const [folder, elsewhere] = [await temporaryFolder(), await temporaryFolder()];
    const other = await serve(elsewhere);
    const otherPid = await startEscape(
      other,
      elsewhere,
      ESCAPES['made a session of its own, twice removed'],
    );
    const first = await serve(folder);
    const pid = await startEscape(
      first,
      folder,
      ESCAPES['made a session of its own, twice removed'],
    );
    // Another with the same folder, which goes on.
    const listen = `unix:${join(folder, 'beside')}`;
    const args = ['serve', '--listen', listen, '--state-dir', join(folder, 'state')];
    const beside = spawnCli(args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, TMPDIR: folder },
    });
    endAfterTest(beside);
    await firstLineOf(beside);
    const { processes, sessions } = connectClients(parseAddress(listen));
    const { session } = await sessions.createSession({});
    const started = await processes.startProcess({
      sessionId: session?.sessionId ?? '',
      spec: { argv: ['sleep', '1000'] },
    });
    const run = await runSleep(folder);
    await killHard(first.child);
    await serve(folder);
    await expect.poll(() => isAlive(pid)).toBe(false);
    expect([otherPid, Number(started.process?.pid), run.pid].map(isAlive)).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('whose launcher marks nothing leaves what it leaves, and the next says so', async () => {
    const folder = await temporaryFolder();
    const first = await serve(folder, '--launcher', 'child_process');
    const pid = await startEscape(first, folder, ESCAPES['stays where it is']);
    await killHard(first.child);
    const next = await serve(folder);
    await expect.poll(next.log).toContain('it gave no marks of its own to what it started');
    expect(isAlive(pid)).toBe(true);
  });

  it('starts though the records of others cannot be read', async () => {
    const folder = await temporaryFolder();
    const state = join(folder, 'state');
    await mkdir(join(state, 'server-1-0123456789abcdef'), { recursive: true, mode: 0o700 });
    await writeFile(join(state, 'server-2-0123456789abcdef'), '{', { mode: 0o600 });
    const server = await serve(folder);
    await expect.poll(server.log).toContain('its record cannot be read');
  });
});

describe('a `runlet run` that was killed', () => {
  it('has what it left ended at once', async () => {
    const temporary = await temporaryFolder();
    const { child, pid } = await runSleep(temporary);
    await killHard(child);
    await expect.poll(() => isAlive(pid)).toBe(false);
    await expect.poll(() => readdir(temporary)).toEqual([]);
  });

  it('has it ended by the next where nobody did, and its folder removed', async () => {
    const temporary = await temporaryFolder();
    const killed = await runSleep(temporary);
    const living = await runSleep(temporary);
    await killWithWatch(killed.child);
    const env = { ...process.env, TMPDIR: temporary };
    expect(await runCli(['run', '--', 'true'], '', { env })).toMatchObject({ code: 0 });
    expect(isAlive(killed.pid)).toBe(false);
    expect(isAlive(living.pid)).toBe(true);
    expect(await readdir(temporary)).toHaveLength(1);
  });

  it('has it ended by the next server, too', async () => {
    const temporary = await temporaryFolder();
    const { child, pid } = await runSleep(temporary);
    await killWithWatch(child);
    await serve(temporary);
    await expect.poll(() => isAlive(pid)).toBe(false);
    const folders = async (): Promise<readonly string[]> =>
      (await readdir(temporary)).filter((name) => name.startsWith('runlet-run-'));
    await expect.poll(folders).toEqual([]);
  });

  it('in a process of a server has it ended by the next there', async () => {
    const temporary = await temporaryFolder();
    const file = join(temporary, 'pid');
    // The inner one is killed, and the next has to end its program but not what runs beside it.
    const script = `
      sleep 1000 >&- 2>&- & beside=$!
      "$0" "$1" run -- sh -c 'echo $$ >"$1.new"; mv "$1.new" "$1"; exec sleep 1000 <&- >&- 2>&-' sh "$2" &
      inner=$!
      until test -e "$2"; do sleep 0.01; done
      for child in $(cat /proc/$inner/task/*/children); do
        ! grep -q end-leftovers /proc/$child/cmdline || kill -9 $child
      done
      kill -9 $inner
      wait $inner
      kill -0 $(cat "$2") && echo left
      "$0" "$1" run -- true
      kill -0 $(cat "$2") 2>/dev/null || echo ended
      kill $beside && echo spared`;
    const child = spawn(
      process.execPath,
      [MAIN, 'run', '--', 'sh', '-c', script, process.execPath, MAIN, file],
      { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, TMPDIR: temporary } },
    );
    endAfterTest(child);
    let printed = '';
    child.stdout.on('data', (data: Buffer) => {
      printed += data.toString();
    });
    await once(child, 'close');
    expect(printed).toBe('left\nended\nspared\n');
  });
});
