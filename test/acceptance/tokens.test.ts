import { randomUUID } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatAddress, parseAddress } from '../../src/address.ts';
import { createClient } from '../../src/bridge/create-client.ts';
import { openConnection } from '../../src/client/connection.ts';
import { StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { ServerService } from '../../src/gen/runlet/v1/server_pb.ts';
import { narrow } from '../../src/identity/tokens/make-token.ts';
import { runCli, spawnCli } from '../support/cli.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { firstLineOf } from '../support/first-line.ts';
import { type Clients, connectClients, serveHere, temporaryFolder } from '../support/harness.ts';
import { as } from '../support/named-callers.ts';
import { shellSpec } from '../support/shell.ts';
import { linedToken, tokenRig } from '../support/token-server.ts';

const NOT_LET_IN = 'UNAUTHENTICATED/UNAUTHENTICATED';
const NO_SESSION = 'NOT_FOUND/SESSION_NOT_FOUND';

const summaryOf = async (call: Promise<unknown>): Promise<string> =>
  (await failureOf(call)).summary;

/** Puts another file in the place of one, as a program does that must not be seen half done. */
function replace(path: string, ...lines: string[]): void {
  writeFileSync(`${path}.new`, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

describe('a token that is narrowed to a session', () => {
  async function narrowed() {
    const line = linedToken('ci');
    const { auth } = await tokenRig([line.line]);
    const { address } = await serveHere({ auth: [auth] });
    const sessionId = randomUUID();
    const token = await narrow(line.token, { sessionId });
    return { ...connectClients(address), whole: as(line.token), one: as(token), sessionId };
  }

  it('lets make that session, and do all that can be done in it', async () => {
    const { one, processes, sessionId, sessions } = await narrowed();
    const { session } = await sessions.createSession({ sessionId }, one);
    expect(session).toMatchObject({ sessionId, owner: 'token:ci' });
    const spec = shellSpec('cat; exit 3', { stdin: StdinMode.PIPE });
    await processes.startProcess({ sessionId, processId: 'p', spec }, one);
    await processes.writeStdin(
      { sessionId, processId: 'p', data: Buffer.from('x'), eof: true },
      one,
    );
    const waited = await processes.waitProcess({ sessionId, processId: 'p' }, one);
    expect(waited.process?.status?.status).toEqual({ case: 'code', value: 3 });
    const attached = sessions.attachSession({ sessionId }, one)[Symbol.asyncIterator]();
    expect((await attached.next()).value).toMatchObject({ event: { event: { case: 'attached' } } });
    await attached.return?.();
    await sessions.closeSession({ sessionId }, one);
  });

  it('lets see that session alone', async () => {
    const { one, processes, sessionId, sessions, whole } = await narrowed();
    const { session } = await sessions.createSession({}, whole);
    const other = { sessionId: session?.sessionId ?? '' };
    await sessions.createSession({ sessionId }, whole);
    const { sessions: seen } = await sessions.listSessions({}, one);
    expect(seen.map((each) => each.sessionId)).toEqual([sessionId]);
    expect((await sessions.listSessions({}, whole)).sessions).toHaveLength(2);
    const refused = [
      sessions.getSession(other, one),
      sessions.closeSession(other, one),
      processes.listProcesses(other, one),
      processes.startProcess({ ...other, processId: 'p', spec: shellSpec('true') }, one),
      sessions.createSession({ sessionId: randomUUID() }, one),
    ];
    expect(new Set(await Promise.all(refused.map(summaryOf)))).toEqual(new Set([NO_SESSION]));
  });

  it('does not let run what belongs to no session', async () => {
    const { one, processes, whole } = await narrowed();
    const run = async (options: typeof one): Promise<void> => {
      for await (const _ of processes.run({ spec: shellSpec('true') }, options));
    };
    expect(await summaryOf(run(one))).toBe('PERMISSION_DENIED/GRANT_MISSING');
    await run(whole);
  });
});

describe('a token file that is replaced under load', () => {
  it('is in force for the calls after it, and ends the streams of who was removed', async () => {
    const ada = linedToken('ada');
    const ben = linedToken('ben');
    const rig = await tokenRig([ada.line, ben.line]);
    const { address } = await serveHere({ auth: [rig.auth], limits: { heartbeatMs: 200 } });
    const clients = connectClients(address);
    const streams = await Promise.all([ada, ben].map(({ token }) => attachedWith(clients, token)));
    let stop = false;
    onTestFinished(() => {
      stop = true;
    });
    const failures: string[] = [];
    let calls = 0;
    // What is let in under load is never refused in between.
    const load = Array.from({ length: 8 }, async () => {
      while (!stop) {
        await clients.server.getServerInfo({}, as(ben.token)).catch((error) => {
          failures.push(String(error));
        });
        calls += 1;
      }
    });
    await expect.poll(() => calls).toBeGreaterThan(50);
    const replaced = performance.now();
    replace(rig.path, ben.line, linedToken('eve').line);
    expect(await summaryOf(streams[0]?.toEnd() ?? Promise.resolve())).toBe(NOT_LET_IN);
    expect(performance.now() - replaced).toBeLessThan(5_000);
    const { server } = clients;
    expect(await summaryOf(server.getServerInfo({}, as(ada.token)))).toBe(NOT_LET_IN);
    stop = true;
    await Promise.all(load);
    expect(failures).toEqual([]);
    // The stream of the other goes on: two more heartbeats come.
    for (let i = 0; i < 2; i++) expect(await streams[1]?.next()).toBe('heartbeat');
  });

  it('ends what is under way when a token is over', async () => {
    const clock = new FakeClock(Date.now());
    const line = linedToken('ci');
    const rig = await tokenRig([line.line], clock);
    const { address } = await serveHere({ auth: [rig.auth], clock });
    const exp = Math.floor(clock.now() / 1000) + 60;
    const token = await narrow(line.token, { exp });
    const stream = await attachedWith(connectClients(address), token);
    const ended = summaryOf(stream.toEnd());
    clock.advance(59_000);
    expect(await Promise.race([ended, setTimeout(0, 'goes on')])).toBe('goes on');
    clock.advance(5_000);
    expect(await ended).toBe(NOT_LET_IN);
  });
});

async function attachedWith({ sessions }: Clients, token: string) {
  const { session } = await sessions.createSession({}, as(token));
  const { sessionId = '' } = session ?? {};
  const events = sessions.attachSession({ sessionId }, as(token))[Symbol.asyncIterator]();
  const next = async (): Promise<string | undefined> =>
    ((await events.next()).value as { event?: { event: { case?: string } } } | undefined)?.event
      ?.event.case;
  expect(await next()).toBe('attached');
  return {
    next,
    async toEnd(): Promise<void> {
      while ((await next()) !== undefined);
    },
  };
}

describe('runlet serve --auth token', () => {
  it('lets in, over TCP, who has a token, and nobody else', async () => {
    const folder = await temporaryFolder();
    const file = `${folder}/tokens`;
    const token = (await runCli(['token', 'new', 'ci', '--append', file])).stdout.toString().trim();
    const server = spawnCli(
      ['serve', '--listen', '127.0.0.1:0', '--auth', 'token', '--token-file', file],
      { env: { ...process.env, XDG_STATE_HOME: folder } },
    );
    onTestFinished(() => void server.kill('SIGKILL'));
    const address = parseAddress((await firstLineOf(server)).replace('runlet listening on ', ''));
    const connection = openConnection(address);
    onTestFinished(() => connection.close());
    const client = createClient(ServerService, connection);
    expect((await client.getServerInfo({}, as(token))).caller?.name).toBe('token:ci');
    for (const wrong of [linedToken('ci').token, 'ci']) {
      expect(await summaryOf(client.getServerInfo({}, as(wrong)))).toBe(NOT_LET_IN);
    }
    expect(await summaryOf(client.getServerInfo({}))).toBe(NOT_LET_IN);
    const env = { ...process.env, RUNLET_TOKEN: token };
    const info = await runCli(['info', '--json', '--address', formatAddress(address)], '', { env });
    expect(JSON.parse(info.stdout.toString())).toMatchObject({ caller: { name: 'token:ci' } });
  });

  it('takes no tokens in plaintext beyond this machine, unless it is told to', async () => {
    const folder = await temporaryFolder();
    const file = `${folder}/tokens`;
    await runCli(['token', 'new', 'ci', '--append', file]);
    const args = ['serve', '--listen', '0.0.0.0:0', '--auth', 'token', '--token-file', file];
    const { code, stderr } = await runCli(args, '', {
      env: { ...process.env, XDG_STATE_HOME: folder },
    });
    expect([code, stderr]).toEqual([
      125,
      expect.stringContaining('refusing to take tokens in plaintext on 0.0.0.0:0'),
    ]);
  });
});
