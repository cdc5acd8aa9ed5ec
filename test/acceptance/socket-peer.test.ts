import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  lchown,
  lstat,
  mkdir,
  readdir,
  readFile,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Address, formatAddress } from '../../src/address.ts';
import { methodPath } from '../../src/bridge/types.ts';
import { Health } from '../../src/gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { FileService } from '../../src/gen/runlet/v1/file_pb.ts';
import { HttpService } from '../../src/gen/runlet/v1/http_pb.ts';
import { ProcessService } from '../../src/gen/runlet/v1/process_pb.ts';
import { ServerService } from '../../src/gen/runlet/v1/server_pb.ts';
import { SessionService } from '../../src/gen/runlet/v1/session_pb.ts';
import { TunnelService } from '../../src/gen/runlet/v1/tunnel_pb.ts';
import { runCli, spawnCli } from '../support/cli.ts';
import { collect } from '../support/events.ts';
import { connectClients, serveHere, temporaryFolder } from '../support/harness.ts';
import { ORDINARY_USER } from '../support/ordinary-user.ts';
import { serve } from '../support/served.ts';

const CALLER = fileURLToPath(new URL('../support/peer-calls.mjs', import.meta.url));

const OF_CALLERS = [
  SessionService,
  ProcessService,
  FileService,
  HttpService,
  TunnelService,
  ServerService,
  ServerReflection,
].flatMap(({ methods }) => methods.map(methodPath));
const CHECK = methodPath(Health.method.check);
const INFO = methodPath(ServerService.method.getServerInfo);

function pathOf(address: Address): string {
  if (address.kind !== 'unix') throw new Error('it is no Unix socket');
  return address.path;
}

/** Lets other users get at a socket, as far as the file system is concerned. */
async function expose(address: Address): Promise<void> {
  await chmod(pathOf(address), 0o666);
  await chmod(dirname(pathOf(address)), 0o755);
}

/** The statuses of calls that another user makes. */
async function callAs(uid: number, address: Address, methods: readonly string[]): Promise<unknown> {
  // The program as text: this clone may be in a folder that the user cannot read.
  const program = await readFile(CALLER, 'utf8');
  const args = ['--input-type=module', '-', pathOf(address), ...methods];
  const child = spawn(process.execPath, args, {
    uid,
    gid: uid,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(program);
  return JSON.parse(await text(child.stdout));
}

const refused = Object.fromEntries(OF_CALLERS.map((path) => [path, status.UNAUTHENTICATED]));

/** Sets the umask of this process until the test is over. */
function useUmask(mask: number): void {
  const before = process.umask(mask);
  onTestFinished(() => void process.umask(before));
}

/** What in a folder others than its user may do something with. */
async function sharedIn(folder: string): Promise<readonly string[]> {
  const shared: string[] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const found = await lstat(join(folder, name)).catch(() => undefined);
    if (found === undefined) continue;
    if ((found.mode & 0o077) !== 0) shared.push(`${name} ${(found.mode & 0o777).toString(8)}`);
  }
  return shared;
}

describe.skipIf(ORDINARY_USER === undefined)('another user on a Unix socket (needs root)', () => {
  const other = ORDINARY_USER ?? 0;

  it('is not let in by `runlet serve` though the modes would let it, but for health', async () => {
    const { address } = await serve();
    await expose(address);
    expect(await callAs(other, address, [CHECK, ...OF_CALLERS])).toEqual({
      [CHECK]: status.OK,
      ...refused,
    });
    expect((await connectClients(address).server.getServerInfo({})).version).not.toBe('');
  });

  it('is not let in by a server in a program, and is told nothing', async () => {
    const { address, log } = await serveHere();
    await expose(address);
    expect(await callAs(other, address, [CHECK, ...OF_CALLERS])).toEqual({
      [CHECK]: status.OK,
      ...refused,
    });
    // A line of the log, and one of the audit.
    expect(log.filter((line) => line.includes(`the user ${other} is not let in`))).toHaveLength(
      2 * OF_CALLERS.length,
    );
  });

  it('is let in where --allow-uid names it and --socket-mode lets it, and then no one else', async () => {
    const { address } = await serve('--allow-uid', String(other), '--socket-mode', '0666');
    await chmod(dirname(pathOf(address)), 0o755);
    expect((await lstat(pathOf(address))).mode & 0o777).toBe(0o666);
    expect(await callAs(other, address, [INFO])).toEqual({ [INFO]: status.OK });
    expect(await callAs(other + 1, address, [INFO])).toEqual({ [INFO]: status.UNAUTHENTICATED });
    expect(await callAs(0, address, [INFO])).toEqual({ [INFO]: status.UNAUTHENTICATED });
  });

  it('cannot open a socket with the mode that it has by itself', async () => {
    const { address } = await serve('--allow-uid', String(other));
    await chmod(dirname(pathOf(address)), 0o755);
    expect(await callAs(other, address, [INFO])).toEqual({ failed: 'EACCES' });
  });
});

describe('a server with a umask that takes nothing away', () => {
  it('has a socket and files that are its user’s alone', async () => {
    useUmask(0);
    const { address } = await serve('--output-memory', '1MiB', '--retained-bytes', '16MiB');
    const { processes, sessions } = connectClients(address);
    const { session } = await sessions.createSession({});
    const target = { sessionId: session?.sessionId ?? '', processId: 'p' };
    const argv = ['/bin/sh', '-c', 'head -c 8000000 /dev/zero'];
    await processes.startProcess({ ...target, spec: { argv } });
    await processes.waitProcess(target);
    const folder = dirname(pathOf(address));
    const files = async (): Promise<number> => (await readdir(folder, { recursive: true })).length;
    // The socket, the state folder, that of this run, what tells its owner, and output.
    await expect.poll(files).toBeGreaterThanOrEqual(5);
    expect(await sharedIn(folder)).toEqual([]);
    await collect(processes.watchProcess(target));
  });

  it('has such a log, too, where it is in the background', async () => {
    useUmask(0);
    const folder = await temporaryFolder();
    const listen = `unix:${join(folder, 'deep', 'runlet.sock')}`;
    const state = ['--state-dir', join(folder, 'state')];
    const started = await runCli(['serve', '--daemon', '--listen', listen, ...state]);
    expect(started.stderr).toBe('');
    const { stdout } = await runCli(['serve', '--status', '--json', '--listen', listen]);
    const { pid } = JSON.parse(stdout.toString()) as { readonly pid: number };
    onTestFinished(async () => {
      process.kill(pid, 'SIGTERM');
      await expect
        .poll(() => lstat(join(folder, 'deep', 'runlet.sock')).catch(() => 'gone'))
        .toBe('gone');
    });
    expect(await readdir(join(folder, 'state'))).toContain('serve.log');
    expect(await sharedIn(folder)).toEqual([]);
  });
});

/** Runs a server that does not start; what it says. */
async function refusal(flags: readonly string[]): Promise<string> {
  const child = spawnCli(['serve', '--log-level', 'error', ...flags]);
  const stderr = child.stderr === null ? '' : text(child.stderr);
  const exited = once(child, 'exit');
  // One that serves would go on for ever.
  const printed = child.stdout === null ? undefined : once(child.stdout, 'data');
  const serves = await Promise.race([exited.then(() => false), printed?.then(() => true)]);
  if (serves) child.kill('SIGTERM');
  await exited;
  return serves ? 'it serves' : stderr;
}

describe('something in the place of what a server makes', () => {
  it('is not replaced or followed where its socket goes', async () => {
    const folder = await temporaryFolder();
    const theirs = join(folder, 'theirs');
    await writeFile(theirs, 'precious', { mode: 0o644 });
    for (const to of [theirs, join(folder, 'missing')]) {
      const path = join(folder, `to-${to === theirs ? 'file' : 'nothing'}.sock`);
      await symlink(to, path);
      const state = ['--state-dir', join(folder, 'state')];
      expect(await refusal(['--listen', `unix:${path}`, ...state])).toContain('EADDRINUSE');
      expect((await lstat(path)).isSymbolicLink()).toBe(true);
    }
    expect(await readFile(theirs, 'utf8')).toBe('precious');
    expect((await lstat(theirs)).mode & 0o777).toBe(0o644);
    expect(await readdir(folder)).not.toContain('missing');
  });

  it.each(['a link', 'a file'])('is not used where its state folder goes: %s', async (what) => {
    const folder = await temporaryFolder();
    const [elsewhere, state] = [join(folder, 'elsewhere'), join(folder, 'state')];
    await mkdir(elsewhere);
    await (what === 'a link' ? symlink(elsewhere, state) : writeFile(state, ''));
    const listen = `unix:${join(folder, 'runlet.sock')}`;
    const said = await refusal(['--listen', listen, '--state-dir', state]);
    expect(said).toContain(`${state} is not a folder`);
    expect(await readdir(elsewhere)).toEqual([]);
  });

  it('is not written to where its log goes', async () => {
    const folder = await temporaryFolder();
    const [state, theirs] = [join(folder, 'state'), join(folder, 'theirs')];
    await mkdir(state, { mode: 0o700 });
    await writeFile(theirs, '');
    await symlink(theirs, join(state, 'serve.log'));
    const listen = `unix:${join(folder, 'runlet.sock')}`;
    const result = await runCli(['serve', '--daemon', '--listen', listen, '--state-dir', state]);
    expect(result.stderr).toContain('serve.log is a symbolic link');
    expect(result.code).not.toBe(0);
    expect(await readFile(theirs, 'utf8')).toBe('');
  });

  it.skipIf(ORDINARY_USER === undefined).each(['a folder', 'a link to a folder'])(
    'is not used where the folder of its socket goes, if it is of another user: %s (needs root)',
    async (what) => {
      const folder = await temporaryFolder();
      const [place, state] = [join(folder, 'place'), join(folder, 'state')];
      const user = ORDINARY_USER ?? 0;
      if (what === 'a folder') {
        await mkdir(place);
        await chown(place, user, user);
      } else {
        await mkdir(join(folder, 'real'));
        await symlink(join(folder, 'real'), place);
        await lchown(place, user, user);
      }
      const address: Address = { kind: 'unix', path: join(place, 'runlet.sock') };
      const said = await refusal(['--listen', formatAddress(address), '--state-dir', state]);
      expect(said).toContain(`${place} belongs to another user`);
      expect(await readdir(place)).toEqual([]);
    },
  );

  it('is not used where the runtime folder goes', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'elsewhere'), { mode: 0o700 });
    await symlink(join(folder, 'elsewhere'), join(folder, 'runlet'));
    const env = { ...process.env, XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: join(folder, 'state') };
    const result = await runCli(['serve', '--log-level', 'error'], '', { env });
    expect(result.stderr).toContain('runlet is not a folder');
    expect(await readdir(join(folder, 'elsewhere'))).toEqual([]);
  });
});

describe('a Unix socket that others may open', () => {
  it('is refused where nobody is asked who it is', async () => {
    const folder = await temporaryFolder();
    const listen = ['--listen', `unix:${join(folder, 'runlet.sock')}`];
    const state = ['--state-dir', join(folder, 'state')];
    const flags = ['--auth', 'none', '--socket-mode', '0660', ...listen, ...state];
    expect(await refusal(flags)).toContain('without authentication: other users may open it');
    expect(await readdir(folder)).not.toContain('runlet.sock');
  });
});
