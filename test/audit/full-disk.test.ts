import { readFileSync } from 'node:fs';
import { appendFile, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ProcessState } from '../../src/gen/runlet/v1/process_pb.ts';
import { Signal } from '../../src/gen/runlet/v1/signal_pb.ts';
import { type Audited, linesOf, serveAudited } from '../support/audited.ts';
import { runCli } from '../support/cli.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { HAS_PRLIMIT, lowerLimit } from '../support/rlimits.ts';
import { mountSmall } from '../support/small-disk.ts';

const REFUSED = 'UNAVAILABLE/AUDIT_UNAVAILABLE';

/** How long a disk that has room again may take to be noticed, on a machine that is busy. */
const NOTICED = { timeout: 30_000 };

/** A server whose audit may not grow for a while; `room` ends that. */
async function noRoom(...flags: readonly string[]) {
  const file = join(await temporaryFolder(), 'audit.jsonl');
  const server = await serveAudited(file, ...flags);
  const { ada, child, processes, sessions } = server;
  const { session } = await sessions.createSession({}, ada);
  const sessionId = session?.sessionId ?? '';
  const spec = { argv: ['sleep', '60'] };
  const { process } = await processes.startProcess({ sessionId, spec }, ada);
  await expect.poll(() => server.lines().length).toBe(3);
  const { size } = await stat(file);
  // So that a line is torn.
  const room = lowerLimit(child.pid ?? 0, 'fsize', size + 20);
  // Nobody sees it before a line could not be written.
  await sessions.createSession({}, ada);
  return { ...server, file, room, sessionId, processId: process?.processId ?? '' };
}

/** Resolves when it is noticed that nothing can be recorded. */
async function untilRefused({ ada, sessions }: Pick<Audited, 'ada' | 'sessions'>): Promise<void> {
  const outcome = (): Promise<string> =>
    sessions.createSession({}, ada).then(
      () => '',
      () => REFUSED,
    );
  await expect.poll(outcome, NOTICED).toBe(REFUSED);
}

describe.skipIf(!HAS_PRLIMIT)('an audit that cannot be written', () => {
  it('stops nothing, and has every line when it can be again', async () => {
    const { ada, end, file, lines, room, sessions } = await noRoom();
    for (let made = 0; made < 20; made++) await sessions.createSession({}, ada);
    expect(readFileSync(file, 'utf8').split('\n').at(-1)).toHaveLength(20);
    room();
    await expect.poll(() => lines().length, NOTICED).toBe(24);
    const log = await end();
    expect(log).toContain('"msg":"the audit cannot be written"');
    expect(log).toContain('"msg":"the audit is written again"');
    expect(new Set(lines().map((line) => JSON.stringify(line))).size).toBe(lines().length);
  });

  it('has what would be told refused where it is required, and nothing else', async () => {
    const server = await noRoom('--audit-required');
    const { ada, address, bob, files, folder, processes, processId, room, sessionId } = server;
    const { sessions } = server;
    const refused = async (call: Promise<unknown>): Promise<void> =>
      expect((await failureOf(call)).summary).toBe(REFUSED);
    // The one before may not have failed yet.
    await untilRefused({ ada, sessions });
    const spec = { argv: ['touch', join(folder, 'started')] };
    await refused(processes.startProcess({ sessionId, spec }, ada));
    await refused(processes.run({ spec }, ada)[Symbol.asyncIterator]().next());
    await refused(processes.signalProcess({ sessionId, processId, signal: Signal.KILL }, ada));
    await refused(processes.terminateProcess({ sessionId, processId }, ada));
    await refused(files.createDirectory({ sessionId, path: join(folder, 'made') }, ada));
    await refused(sessions.closeSession({ sessionId }, ada));
    // Logins: of another caller, and over another connection.
    await refused(sessions.listSessions({}, bob));
    await refused(connectClients(address).sessions.listSessions({}, ada));
    const { process } = await processes.getProcess({ sessionId, processId }, ada);
    expect(process?.state).toBe(ProcessState.RUNNING);
    await files.statFile({ sessionId, path: folder }, ada);
    for (const name of ['started', 'made']) {
      const path = join(folder, name);
      const missing = await failureOf(files.statFile({ sessionId, path }, ada));
      expect(missing.summary).toBe('NOT_FOUND/FILE_NOT_FOUND');
    }
    room();
    // Nobody calls what would be told, and it is noticed all the same.
    await expect.poll(() => server.lines().at(-1)?.['action'], NOTICED).toBe('CreateSession');
    await files.createDirectory({ sessionId, path: join(folder, 'made') }, ada);
    await server.end();
    const told = server.lines().map(({ action, outcome }) => `${action} ${outcome}`);
    expect(told).toContain('CreateDirectory ok');
    expect(told.filter((line) => line.endsWith('failed'))).toEqual([]);
  });

  it('tells how many lines are missing where too many waited', async () => {
    const { ada, end, files, lines, room, sessionId } = await noRoom();
    // More than 4 MiB.
    const path = `/${'x'.repeat(250)}`.repeat(16);
    for (let made = 0; made < 1_200; made++) {
      await files.createDirectory({ sessionId, path }, ada).catch(() => {});
    }
    room();
    const missing = () => lines().find(({ action }) => action === 'Audit');
    await expect.poll(missing, NOTICED).toBeDefined();
    await files.createDirectory({ sessionId, path: '/tmp' }, ada).catch(() => {});
    await end();
    const { detail, outcome, reason } = missing() ?? {};
    expect([outcome, reason]).toEqual(['failed', 'AUDIT_UNAVAILABLE']);
    const told = lines().filter(({ action }) => action === 'CreateDirectory');
    expect(told.length + Number(/^(\d+) lines are missing here$/.exec(`${detail}`)?.[1])).toBe(
      1_201,
    );
    // In the place of those that are missing.
    expect(lines().findIndex(({ action }) => action === 'Audit')).toBe(told.length + 3);
  });

  it('leaves the server one that is up', async () => {
    const address = `unix:${join(await temporaryFolder(), 'socket')}`;
    const { ada, sessions } = await noRoom('--audit-required', '--listen', `${address},auth=peer`);
    await untilRefused({ ada, sessions });
    const { code, stdout } = await runCli(['serve', '--status', '--listen', address]);
    expect([code, stdout.toString()]).toEqual([0, expect.stringContaining('version  -')]);
  });

  it('ends the server in order, which tells what is lost', async () => {
    const { ada, end, sessions } = await noRoom();
    await sessions.createSession({}, ada);
    const log = await end();
    // Those of two sessions, and of the ends of all three.
    expect(log).toContain('"lines":5,"msg":"the end of the audit could not be written"');
  });
});

describe('a file of the audit that ends within a line', () => {
  it('is gone on with on a new line', async () => {
    const file = join(await temporaryFolder(), 'audit.jsonl');
    await writeFile(file, '{}\n{"time":');
    const { ada, end, sessions } = await serveAudited(file);
    await sessions.createSession({}, ada);
    await end();
    const [first, torn, ...rest] = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect([first, torn]).toEqual(['{}', '{"time":']);
    expect(rest.map((line) => JSON.parse(line).action)).toEqual([
      'Login',
      'CreateSession',
      'EndSession',
    ]);
  });
});

/** Fills a disk. */
async function fill(path: string): Promise<void> {
  const piece = Buffer.alloc(4096);
  for (;;) {
    try {
      await appendFile(path, piece);
    } catch {
      return;
    }
  }
}

describe.skipIf(process.getuid?.() !== 0)('a disk that is full', () => {
  it('keeps what is to be written, and has every line once there is room', async ({ skip }) => {
    const disk = join(await temporaryFolder(), 'disk');
    await mkdir(disk);
    if ((await mountSmall(disk, '64k')) !== undefined) return skip();
    const file = join(disk, 'audit.jsonl');
    const server: Audited = await serveAudited(file);
    const filler = join(disk, 'filler');
    onTestFinished(() => rm(filler, { force: true }));
    const { ada, child, sessions } = server;
    const { session } = await sessions.createSession({}, ada);
    const labels = { text: 'x' };
    await fill(filler);
    const ids = [session?.sessionId];
    // More than the rest of its last page.
    for (let made = 0; made < 40; made++) {
      ids.push((await sessions.createSession({ labels }, ada)).session?.sessionId);
    }
    const before = linesOf(file).length;
    expect(before).toBeLessThan(41);
    await rm(filler);
    await expect.poll(() => linesOf(file).length, NOTICED).toBe(42);
    await server.end();
    const told = linesOf(file).filter(({ action }) => action === 'CreateSession');
    expect(told.map((line) => line['session_id'])).toEqual(ids);
    expect(child.exitCode).toBe(0);
  });
});
