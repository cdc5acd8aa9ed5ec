import { existsSync, readFileSync } from 'node:fs';
import { rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { SandboxAccess, SandboxPlace } from '../../src/gen/runlet/v1/sandbox_pb.ts';
import { Signal } from '../../src/gen/runlet/v1/signal_pb.ts';
import { attach } from '../support/attach.ts';
import type { AuditLine } from '../support/audit.ts';
import { type Audited, serveAudited } from '../support/audited.ts';
import { collect, outputOf } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { temporaryFolder } from '../support/harness.ts';
import { sendRequest } from '../support/http-requests.ts';
import { startUpstream } from '../support/https-upstream.ts';
import { interact } from '../support/interact.ts';
import { hasBwrap } from '../support/needed-tools.ts';

const FIELDS = [
  ...['time', 'principal', 'action', 'session_id', 'process_id'],
  ...['outcome', 'reason', 'detail'],
];

/** What no line may say, unless it is asked for. */
const SECRET = 'my-secret-word';

/** Lines as short as they can be told apart. */
const short = (lines: readonly AuditLine[]): readonly unknown[] =>
  lines.map(({ action, detail, outcome, principal, reason }) => [
    principal,
    action,
    outcome,
    reason,
    detail,
  ]);

async function audited(...flags: readonly string[]): Promise<Audited & { file: string }> {
  const file = join(await temporaryFolder(), 'audit.jsonl');
  return { ...(await serveAudited(file, ...flags)), file };
}

describe('the file of the audit', () => {
  it('has a line for each thing that was done, tried or denied, and none for what is read', async () => {
    const server = await audited();
    const { ada, bob, file, files, folder, processes, sessions } = server;
    const { session } = await sessions.createSession({}, ada);
    const sessionId = session?.sessionId ?? '';
    const attachSession: typeof sessions.attachSession = (request) =>
      sessions.attachSession(request, ada);
    const asAda = { sessions: { ...sessions, attachSession } };
    await attach(asAda, sessionId);
    await attach(asAda, sessionId);
    const spec = {
      argv: ['/bin/sh', '-c', `read word; exec sleep 60 # ${SECRET}`],
      env: { WORD: SECRET },
      stdin: StdinMode.PIPE,
    };
    const { process } = await processes.startProcess({ sessionId, spec }, ada);
    const processId = process?.processId ?? '';
    await processes.writeStdin({ sessionId, processId, data: Buffer.from(`${SECRET}\n`) }, ada);
    await processes.getProcess({ sessionId, processId }, ada);
    await processes.signalProcess({ sessionId, processId, signal: Signal.WINCH }, ada);
    await processes.terminateProcess({ sessionId, processId }, ada);
    const late = processes.signalProcess({ sessionId, processId, signal: Signal.INT }, ada);
    expect((await failureOf(late)).summary).toBe('FAILED_PRECONDITION/PROCESS_EXITED');
    const missing = { sessionId, spec: { argv: [join(folder, 'none')] } };
    expect((await failureOf(processes.startProcess(missing, ada))).summary).toMatch(/START_FAILED/);
    await collect(processes.run({ spec: { argv: ['true'] } }, ada));
    await files.createDirectory({ sessionId, path: join(folder, 'made') }, ada);
    const denied = await failureOf(sessions.createSession({}, bob));
    expect(denied.summary).toBe('PERMISSION_DENIED/GRANT_MISSING');
    const stranger = { metadata: { authorization: `Bearer ${SECRET}` } };
    const refused = await failureOf(sessions.createSession({}, stranger));
    expect(refused.summary).toBe('UNAUTHENTICATED/UNAUTHENTICATED');
    await sessions.listSessions({}, bob);
    await sessions.closeSession({ sessionId }, ada);
    const log = await server.end();
    const lines = server.lines();
    const by = (principal: string, ...rest: readonly unknown[]): readonly unknown[] => [
      `token:${principal}`,
      ...rest,
    ];
    expect(short(lines)).toEqual([
      by('ada', 'Login', 'ok', '', 'token from 127.0.0.1'),
      by('ada', 'CreateSession', 'ok', '', ''),
      by('ada', 'AttachSession', 'ok', '', 'taken over: take-over'),
      by('ada', 'StartProcess', 'ok', '', expect.stringMatching(/^(?:da|ba)?sh, 2 arguments$/)),
      by('ada', 'SignalProcess', 'ok', '', 'SIGWINCH to group'),
      by('ada', 'TerminateProcess', 'ok', '', 'tree, 5 s of grace'),
      by('ada', 'SignalProcess', 'failed', 'PROCESS_EXITED', 'SIGINT to group'),
      by('ada', 'StartProcess', 'failed', 'START_FAILED', 'none, 0 arguments (PROGRAM ENOENT)'),
      by('ada', 'Run', 'ok', '', 'true, 0 arguments'),
      by('ada', 'CreateDirectory', 'ok', '', join(folder, 'made')),
      by('bob', 'CreateSession', 'denied', 'GRANT_MISSING', 'start'),
      ['', 'CreateSession', 'denied', 'UNAUTHENTICATED', expect.any(String)],
      by('bob', 'Login', 'ok', '', 'token from 127.0.0.1'),
      by('ada', 'CloseSession', 'ok', '', ''),
    ]);
    for (const line of lines) expect(Object.keys(line)).toEqual(FIELDS);
    const about = lines.filter(({ action }) => action === 'SignalProcess');
    expect(about).toEqual(
      Array(2).fill(expect.objectContaining({ session_id: sessionId, process_id: processId })),
    );
    expect(JSON.stringify(lines)).not.toContain(SECRET);
    // It is there instead of in the log.
    expect(log).not.toContain('"audit":true');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('tells of signals of an interaction, and of requests', async () => {
    const upstream = await startUpstream((_request, response) => response.end('yes'));
    const server = await audited();
    const { ada, connection, sessions } = server;
    const { session } = await sessions.createSession({}, ada);
    const sessionId = session?.sessionId ?? '';
    const call = interact(server, ada);
    const spec = { argv: ['sleep', '60'] };
    call.send({ case: 'start', value: { sessionId, spec } });
    await call.responses.next();
    call.send({ case: 'signal', value: { signal: Signal.KILL } });
    await call.closed();
    const url = `http://127.0.0.1:${upstream.port}`;
    await sendRequest(connection, { sessionId, url: `${url}/${SECRET}` }, ada);
    await server.end();
    expect(short(server.lines()).slice(2, -1)).toEqual([
      ['token:ada', 'Interact', 'ok', '', 'sleep, 1 argument'],
      ['token:ada', 'SignalProcess', 'ok', '', 'SIGKILL to group'],
      ['token:ada', 'Request', 'ok', '', `GET ${url}`],
    ]);
  });

  it('tells what was to be started where the policy denies that', async () => {
    const policy = join(await temporaryFolder(), 'policy.json');
    const principals = [{ match: 'token:*', programs: ['/usr/bin/true'] }];
    await writeFile(policy, JSON.stringify({ principals }), { mode: 0o600 });
    const server = await audited('--policy', policy);
    const { ada, processes } = server;
    const spec = { argv: ['/bin/sh', '-c', SECRET] };
    expect((await failureOf(collect(processes.run({ spec }, ada)))).summary).toMatch(
      /POLICY_DENIED$/,
    );
    await server.end();
    const [, denied] = server.lines();
    expect(short(denied === undefined ? [] : [denied])).toEqual([
      ['token:ada', 'Run', 'denied', 'POLICY_DENIED', expect.any(String)],
    ]);
    expect(denied?.['detail']).toMatch(/^(?:da|ba)?sh, 2 arguments \(\/bin\/sh/);
  });

  it('tells of sessions that expire, and of those that end with the server', async () => {
    const server = await audited('--min-detached-ttl', '0');
    const { ada, sessions } = server;
    await sessions.createSession({ detachedTtl: { seconds: 0n, nanos: 1_000_000 } }, ada);
    await expect.poll(() => server.lines().length, { timeout: 30_000 }).toBe(3);
    await sessions.createSession({}, ada);
    await server.end();
    expect(short(server.lines()).slice(1)).toEqual([
      ['token:ada', 'CreateSession', 'ok', '', ''],
      ['token:ada', 'ExpireSession', 'ok', '', ''],
      ['token:ada', 'CreateSession', 'ok', '', ''],
      ['token:ada', 'EndSession', 'ok', '', 'the server shuts down'],
    ]);
  });

  it('tells arguments where that is asked for, without what is known as a secret', async () => {
    const server = await audited('--audit-arguments');
    const { ada, processes } = server;
    const argv = ['echo', SECRET, `authorization: Bearer ${SECRET}`];
    await collect(processes.run({ spec: { argv } }, ada));
    await server.end();
    const [, run] = server.lines();
    expect(run?.['detail']).toBe(
      `echo, 2 arguments: ${JSON.stringify([SECRET, 'authorization: [redacted]'])}`,
    );
  });
});

describe.skipIf(!hasBwrap())('a sandbox that shows the folder of the audit', () => {
  it.each([false, true])('does not show its file, whether it was moved: %s', async (isMoved) => {
    const { ada, child, end, file, lines, processes } = await audited();
    if (isMoved) {
      await rename(file, `${file}.1`);
      child.kill('SIGHUP');
      await expect.poll(() => existsSync(file)).toBe(true);
    }
    const rules = [{ place: SandboxPlace.ROOT, access: SandboxAccess.WRITE }];
    const script = `cat ${file} && echo seen; echo tampered >>${file}; echo done`;
    const events = await collect(
      processes.run({ spec: { argv: ['/bin/sh', '-c', script], sandbox: { rules } } }, ada),
    );
    expect(outputOf(events).toString()).toBe('done\n');
    await end();
    expect(readFileSync(file, 'utf8')).not.toContain('tampered');
    expect(lines().at(-1)?.['action']).toBe('Run');
  });
});

/** Collects what it prints from now on; resolves with the lines once it has ended. */
function printedBy({ child, end }: Audited): () => Promise<readonly AuditLine[]> {
  const found: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => found.push(chunk));
  return async () => {
    await end();
    const lines = Buffer.concat(found).toString().trimEnd().split('\n');
    return lines.map((line): AuditLine => JSON.parse(line));
  };
}

describe('the audit on standard output', () => {
  it('comes after the addresses, line by line', async () => {
    const server = await serveAudited('-');
    const ended = printedBy(server);
    await collect(server.processes.run({ spec: { argv: ['true'] } }, server.ada));
    expect((await ended()).map(({ action }) => action)).toEqual(['Login', 'Run']);
  });

  it('waits for a reader that stalls, and holds up nobody', async () => {
    const server = await serveAudited('-', '--audit-arguments');
    const { ada, child, processes } = server;
    const ended = printedBy(server);
    child.stdout?.pause();
    // More than a pipe and its reader hold.
    const numbers = Array.from({ length: 100 }, (_, number) => String(number));
    for (const number of numbers) {
      const argv = ['true', number, 'x'.repeat(6_000)];
      await collect(processes.run({ spec: { argv } }, ada));
    }
    child.stdout?.resume();
    const [, ...runs] = await ended();
    expect(runs.map(({ detail }) => /\["(\d+)"/.exec(`${detail}`)?.[1])).toEqual(numbers);
  });
});
