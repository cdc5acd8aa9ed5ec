import { describe, expect, it } from 'vitest';
import type { CallOptions } from '../../src/bridge/types.ts';
import { StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { peerAuthenticator } from '../../src/identity/peer.ts';
import type { Audit } from '../../src/telemetry/audit.ts';
import { attach } from '../support/attach.ts';
import { NO_AUDIT } from '../support/audit.ts';
import { bearers, granting } from '../support/bearers.ts';
import { collect } from '../support/events.ts';
import { labelsOf, parseExposition } from '../support/exposition.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients } from '../support/harness.ts';
import { moves, serveScraped } from '../support/scraping.ts';
import { startShell } from '../support/shell.ts';

const OPENMETRICS = { headers: { accept: 'application/openmetrics-text; version=1.0.0' } };

function calls(service: string, method: string, code = 'OK'): string {
  return `runlet_calls_total{method="runlet.v1.${service}/${method}",code="${code}"}`;
}

const logins = (kind: string, result: string): string =>
  `runlet_logins_total{kind="${kind}",result="${result}"}`;

describe('the counters of a server', () => {
  it('move by what calls did, and by nothing else', async () => {
    const server = await serveScraped({ limits: { maxSessions: 2 } });
    const before = await server.samples();
    const { processes, sessions, connection } = connectClients(server.address);

    const { session } = await sessions.createSession({});
    const sessionId = session?.sessionId ?? '';
    await sessions.createSession({});
    const refused = await failureOf(sessions.createSession({}));
    expect(refused.summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');

    const first = await attach({ sessions }, sessionId);
    const second = await attach(connectClients(server.address), sessionId);
    await failureOf(first.toEnd());
    await second.detach();

    const target = await startShell({ processes, sessionId }, 'cat; printf abc >&2', {
      stdin: StdinMode.PIPE,
    });
    await processes.writeStdin({ ...target, data: Buffer.from('hello'), eof: true });
    await processes.waitProcess(target);
    const failed = processes.startProcess({ sessionId, spec: { argv: ['/none'] } });
    expect((await failureOf(failed)).summary).toBe('FAILED_PRECONDITION/START_FAILED');
    await collect(processes.run({ spec: { argv: ['sh', '-c', 'printf 12; kill -9 $$'] } }));
    await failureOf(processes.getProcess({ sessionId, processId: 'none' }));
    await new Promise<void>((resolve) => {
      const bytes = (data: Buffer): Buffer => data;
      const path = '/runlet.v1.ProcessService/Nothing';
      connection.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), () => resolve());
    });
    await sessions.closeSession({ sessionId });

    // A client has its answer before the call is over.
    await expect
      .poll(async () => moves(before, await server.samples()))
      .toEqual({
        [calls('SessionService', 'CreateSession')]: 2,
        [calls('SessionService', 'CreateSession', 'RESOURCE_EXHAUSTED')]: 1,
        [calls('SessionService', 'AttachSession', 'ABORTED')]: 1,
        [calls('SessionService', 'AttachSession', 'CANCELLED')]: 1,
        [calls('SessionService', 'CloseSession')]: 1,
        [calls('ProcessService', 'StartProcess')]: 1,
        [calls('ProcessService', 'StartProcess', 'FAILED_PRECONDITION')]: 1,
        [calls('ProcessService', 'WriteStdin')]: 1,
        [calls('ProcessService', 'WaitProcess')]: 1,
        [calls('ProcessService', 'Run')]: 1,
        [calls('ProcessService', 'GetProcess', 'NOT_FOUND')]: 1,
        'runlet_calls_total{method="other",code="UNIMPLEMENTED"}': 1,
        'runlet_starts_total{result="ok"}': 2,
        'runlet_starts_total{result="failed"}': 1,
        'runlet_ends_total{reason="exited"}': 1,
        'runlet_ends_total{reason="signaled"}': 1,
        'runlet_output_bytes_total{stream="stdout"}': 'hello'.length + '12'.length,
        'runlet_output_bytes_total{stream="stderr"}': 'abc'.length,
        runlet_stdin_bytes_total: 'hello'.length,
        runlet_takeovers_total: 1,
        'runlet_refusals_total{limit="max_sessions"}': 1,
        // Two connections, each of one caller.
        [logins('peer', 'ok')]: 2,
      });
    const after = await server.samples();
    expect(
      after.get('runlet_call_duration_seconds_count{method="runlet.v1.ProcessService/Run"}'),
    ).toBe(1);
    // The program is found not to be there where the system was asked to start it.
    expect(after.get('runlet_start_duration_seconds_count{stage="queue"}')).toBe(3);
    expect(after.get('runlet_start_duration_seconds_count{stage="launch"}')).toBe(2);
  });

  it('tell of callers who are not let in', async () => {
    const server = await serveScraped({ auth: [peerAuthenticator({ uids: [] })] });
    const before = await server.samples();
    const { sessions } = connectClients(server.address);
    expect((await failureOf(sessions.listSessions({}))).summary).toMatch(/^UNAUTHENTICATED/);
    expect(moves(before, await server.samples())).toEqual({
      [calls('SessionService', 'ListSessions', 'UNAUTHENTICATED')]: 1,
      'runlet_denials_total{reason="UNAUTHENTICATED"}': 1,
      [logins('peer', 'failed')]: 1,
    });
  });

  it('count each caller of a connection once, as the audit tells of it', async () => {
    const callers = bearers();
    callers.add('ada', { name: 'token:ada' });
    callers.add('bob', { name: 'token:bob', ...granting('observe') });
    const told: string[] = [];
    const audit: Audit = {
      ...NO_AUDIT,
      record: ({ action, outcome, principal }) => told.push(`${principal} ${action} ${outcome}`),
    };
    const server = await serveScraped({ auth: [callers.authenticator], audit });
    const before = await server.samples();
    const { server: info, sessions } = connectClients(server.address);
    const as = (word: string): CallOptions => ({ metadata: { authorization: `Bearer ${word}` } });
    // What he may not do is no way to come in.
    await failureOf(sessions.createSession({}, as('bob')));
    for (const word of ['ada', 'bob', 'ada', 'bob']) await info.getServerInfo({}, as(word));
    await failureOf(info.getServerInfo({}, as('eve')));
    const { [logins('token', 'ok')]: ok, [logins('token', 'failed')]: failed } = moves(
      before,
      await server.samples(),
    );
    expect([ok, failed]).toEqual([2, 1]);
    expect(told).toEqual([
      'token:bob CreateSession denied',
      'token:ada Login ok',
      'token:bob Login ok',
      ' GetServerInfo denied',
    ]);
  });

  it('tell of what is gone: output, processes, sessions', async () => {
    const server = await serveScraped({ limits: { minDetachedTtlMs: 1 } });
    const { processes, sessions } = connectClients(server.address);
    const { session } = await sessions.createSession({});
    const sessionId = session?.sessionId ?? '';
    const target = await startShell({ processes, sessionId }, 'head -c 100000 /dev/zero', {
      output: { retainedBytes: 1000n },
    });
    await processes.waitProcess(target);
    const { events } = await processes.readProcess(target);
    const lost = events.flatMap(({ event }) =>
      event.case === 'gap' ? event.value.ranges.map(({ length }) => Number(length)) : [],
    );
    expect(lost.length).toBeGreaterThan(0);
    const all = lost.reduce((sum, length) => sum + length, 0);
    expect((await server.samples()).get('runlet_gap_bytes_total')).toBe(all);

    const short = { seconds: 0n, nanos: 0 };
    await startShell({ processes, sessionId }, 'true', { retention: short });
    await sessions.createSession({ detachedTtl: { seconds: 0n, nanos: 1_000_000 } });
    const gone = async (): Promise<unknown> => {
      const samples = await server.samples();
      return [samples.get('runlet_evictions_total'), samples.get('runlet_expiries_total')];
    };
    await expect.poll(gone).toEqual([1, 1]);
  });
});

describe('the gauges of a server', () => {
  it('say what there is now', async () => {
    const server = await serveScraped();
    const clients = connectClients(server.address);
    const { processes, sessions } = clients;
    const { session } = await sessions.createSession({});
    await sessions.createSession({});
    const sessionId = session?.sessionId ?? '';
    await attach(clients, sessionId);
    await startShell({ processes, sessionId }, 'exec sleep 1000');
    const held = await startShell({ processes, sessionId }, 'sleep 1000 & exit 0');
    const watch = processes.watchProcess(held)[Symbol.asyncIterator]();
    await watch.next();
    const done = await startShell({ processes, sessionId }, 'printf 12345');
    await processes.waitProcess(done);

    const states = async (): Promise<Readonly<Record<string, number>>> =>
      Object.fromEntries(
        [...(await server.samples())].filter(
          ([key, value]) => /^runlet_(?:sessions|processes|open_streams)/.test(key) && value > 0,
        ),
      );
    await expect.poll(states).toEqual({
      'runlet_sessions{state="attached"}': 1,
      'runlet_sessions{state="detached"}': 1,
      'runlet_processes{state="running"}': 1,
      'runlet_processes{state="exited"}': 1,
      'runlet_processes{state="closed"}': 1,
      'runlet_open_streams{method="runlet.v1.SessionService/AttachSession"}': 1,
      'runlet_open_streams{method="runlet.v1.ProcessService/WatchProcess"}': 1,
    });
    const samples = await server.samples();
    expect(samples.get('runlet_retained_bytes{tier="memory"}')).toBeGreaterThan(0);
    expect(samples.get('runlet_lagging_subscribers')).toBe(0);
    expect(samples.get('process_open_fds')).toBeGreaterThan(3);
  });

  it('count a reader that does not read', async () => {
    const server = await serveScraped();
    const { processes, sessions } = connectClients(server.address);
    const { session } = await sessions.createSession({});
    // More than all buffers on the way hold.
    const target = await startShell(
      { processes, sessionId: session?.sessionId ?? '' },
      'head -c 40000000 /dev/zero',
      { output: { retainedBytes: 64_000_000n } },
    );
    await processes.waitProcess(target);
    const lagging = async (): Promise<number | undefined> =>
      (await server.samples()).get('runlet_lagging_subscribers');
    expect(await lagging()).toBe(0);
    const stream = processes.watchProcess(target);
    const watch = stream[Symbol.asyncIterator]();
    await watch.next();
    await expect.poll(lagging).toBe(1);
    await watch.return?.();
    await expect.poll(lagging).toBe(0);
  });
});

describe('a scrape', () => {
  it('has the same in both formats, as each of them is', async () => {
    const server = await serveScraped();
    const { processes } = connectClients(server.address);
    await collect(processes.run({ spec: { argv: ['true'] } }));
    const url = `http://${server.metrics.where}/metrics`;
    const read = async (init?: RequestInit): Promise<readonly [string | null, string]> => {
      const response = await fetch(url, init);
      return [response.headers.get('content-type'), await response.text()];
    };
    const [openType, openText] = await read(OPENMETRICS);
    const [plainType, plainText] = await read();
    expect(openType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(plainType).toBe('text/plain; version=0.0.4; charset=utf-8');
    const open = parseExposition(openText, 'openmetrics');
    const plain = parseExposition(plainText, 'prometheus');
    expect([...open.keys()]).toEqual([...plain.keys()].map((name) => name.replace(/_total$/, '')));
    expect(open.get('runlet_starts')?.samples.get('runlet_starts_total{result="ok"}')).toBe(1);
    expect(openText).toContain('le="1.0"');
  });

  it('has no id, no name of a caller and no text of a client in a label', async () => {
    const server = await serveScraped();
    const clients = connectClients(server.address);
    const { processes, sessions } = clients;
    const { session } = await sessions.createSession({ labels: { secret: 'hunter2' } });
    const sessionId = session?.sessionId ?? '';
    const target = await startShell({ processes, sessionId }, 'echo hunter2', {}, 'my-process');
    await processes.waitProcess(target);
    const names = ['code', 'kind', 'le', 'limit', 'major', 'method', 'minor', 'patch'];
    const others = ['reason', 'result', 'space', 'stage', 'state', 'stream', 'tier', 'version'];
    const known = new Set([...names, ...others]);
    const labels = [...(await server.samples()).keys()].flatMap((key) => [...labelsOf(key)]);
    expect(labels.filter(([name]) => !known.has(name))).toEqual([]);
    const forbidden = [sessionId, 'my-process', 'hunter2', `peer:${process.getuid?.()}`];
    expect(labels.filter(([, value]) => forbidden.some((it) => value.includes(it)))).toEqual([]);
  });

  it('has no more to say the more processes there are', async () => {
    const server = await serveScraped();
    const { processes, sessions } = connectClients(server.address);
    const { session } = await sessions.createSession({});
    const sessionId = session?.sessionId ?? '';
    const size = async (): Promise<number> =>
      [...(await server.samples()).keys()].filter((key) => /^runlet_(?!call)/.test(key)).length;
    await startShell({ processes, sessionId }, 'exec sleep 1000');
    await expect.poll(async () => (await server.samples()).get(SLEEPING)).toBe(1);
    const one = await size();
    for (let i = 0; i < 9; i += 1) await startShell({ processes, sessionId }, 'exec sleep 1000');
    expect((await server.samples()).get(SLEEPING)).toBe(10);
    // What it has to say does not grow with them.
    expect(await size()).toBe(one);
  });
});

const SLEEPING = 'runlet_processes{state="running"}';
