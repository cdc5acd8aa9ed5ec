import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../src/bridge/create-client.ts';
import { ServerReflection } from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import type { ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import { StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { attach } from '../support/attach.ts';
import { collect, isStdout, outputOf, readUntil, seqsOf, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients } from '../support/harness.ts';
import { isAlive, pidFrom } from '../support/pids.ts';
import { startShell, type Target } from '../support/shell.ts';
import { ENTRANCES, OTHERS, serveWatched, type Watched } from '../support/watched-readiness.ts';

const DRAINING = 'UNAVAILABLE/DRAINING';

/** Longer than any test takes. */
const WAIT = ['--drain', 'wait', '--drain-timeout', '1h', '--grace', '1h'];

/** A server with a session. */
async function serveSession(...flags: readonly string[]) {
  const watched = await serveWatched(flags);
  const { session } = await watched.sessions.createSession({});
  return { ...watched, sessionId: session?.sessionId ?? '' };
}

/** Resolves when health has said so of all services. */
async function untilDraining({ told }: Watched): Promise<void> {
  for (const service of [...ENTRANCES, ...OTHERS]) {
    await expect.poll(() => told(service), { interval: 5 }).toEqual(['SERVING', 'NOT_SERVING']);
  }
}

/** Watches a process; resolves when it has written something. */
async function watchProcess({ processes }: Pick<Watched, 'processes'>, target: Target) {
  const stream = processes.watchProcess(target)[Symbol.asyncIterator]();
  return { stream, first: await readUntil(stream, isStdout) };
}

const isClosed = ({ event }: ProcessEvent): boolean => event.case === 'closed';

describe('a server that is to wait', () => {
  it('has processes come to their ends, of which nothing is lost, and ends when nobody needs it', async () => {
    const server = await serveSession(...WAIT);
    const { child, exited, processes, sessions, sessionId } = server;
    const attached = await attach(server, sessionId);
    const script = 'echo ready; cat; echo done; exit 3';
    const target = await startShell(server, script, { stdin: StdinMode.PIPE });
    expect((await attached.next())?.case).toBe('processStarted');
    const { first, stream } = await watchProcess(server, target);
    child.kill('SIGTERM');
    expect((await attached.next())?.case).toBe('draining');
    await untilDraining(server);
    await processes.writeStdin({ ...target, data: Buffer.from('more\n'), eof: true });
    const events = [...first, ...(await readUntil(stream, isClosed))];
    expect(outputOf(events).toString()).toBe('ready\nmore\ndone\n');
    expect(summarize(events).slice(-2)).toEqual(['exited code 3 reason 1', 'closed true']);
    expect((await stream.next()).done).toBe(true);
    // It is attached, and so waited for.
    await sessions.getSession({ sessionId });
    await sessions.closeSession({ sessionId });
    expect((await exited)[0]).toBe(0);
  });

  it('does not wait for a session that nobody uses, though its processes can be read yet', async () => {
    const server = await serveSession(...WAIT);
    const { child, exited, processes } = server;
    await processes.waitProcess(await startShell(server, 'echo done'));
    child.kill('SIGTERM');
    const [code, log] = await exited;
    expect(code).toBe(0);
    // It was not asked to be quick.
    expect(log).not.toContain('what still runs is killed');
  });

  it('ends what is left when the time is over, and watches with it', async () => {
    const server = await serveSession('--drain', 'wait', '--drain-timeout', '500ms');
    const { child, exited, sessionId } = server;
    const attached = await attach(server, sessionId);
    const target = await startShell(server, 'echo $$; exec sleep 1000');
    const { first, stream } = await watchProcess(server, target);
    child.kill('SIGTERM');
    const rest = await readUntil(stream, isClosed);
    expect(summarize(rest)).toEqual(['exited signal 15 reason 8', 'closed true']);
    expect((await failureOf(attached.toEnd())).summary).toBe(DRAINING);
    expect((await exited)[0]).toBe(0);
    expect(isAlive(pidFrom(outputOf(first).toString()))).toBe(false);
  });

  it('waits no longer after a second signal, and kills what still runs', async () => {
    const server = await serveSession(...WAIT);
    const { child, exited, sessions, sessionId } = server;
    const target = await startShell(server, 'trap "" TERM; echo $$; while :; do sleep 1; done');
    const { first, stream } = await watchProcess(server, target);
    child.kill('SIGTERM');
    await untilDraining(server);
    await sessions.getSession({ sessionId });
    child.kill('SIGTERM');
    const rest = await readUntil(stream, isClosed);
    expect(summarize(rest).at(0)).toBe('exited signal 9 reason 8');
    const [code, log] = await exited;
    expect(code).toBe(0);
    expect(log).toContain('"msg":"signal: what still runs is killed"');
    expect(isAlive(pidFrom(outputOf(first).toString()))).toBe(false);
  });
});

describe('a server that is to end processes', () => {
  it('says so first, and lets be read what came of them as long as somebody is there', async () => {
    const server = await serveSession('--drain-timeout', '1h', '--grace', '1h');
    const { child, exited, processes, sessions, sessionId, told } = server;
    const attached = await attach(server, sessionId);
    const script = 'trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.01; done';
    const target = await startShell(server, script);
    const { stream } = await watchProcess(server, target);
    child.kill('SIGTERM');
    const events = await readUntil(stream, isStdout);
    // What came before it over the same connection has been taken by then.
    await setImmediate();
    for (const service of [...ENTRANCES, ...OTHERS]) {
      expect(told(service)).toEqual(['SERVING', 'NOT_SERVING']);
    }
    expect(outputOf(events).toString()).toBe('bye\n');
    await readUntil(stream, isClosed);
    const again = await collect(processes.watchProcess(target));
    expect(outputOf(again).toString()).toBe('ready\nbye\n');
    await attached.detach();
    await sessions.closeSession({ sessionId });
    expect((await exited)[0]).toBe(0);
  });

  it('ends at once without a timeout, and tells streams that nothing else would end', async () => {
    const server = await serveSession();
    const { child, connection, exited, sessionId, told } = server;
    const attached = await attach(server, sessionId);
    const reflected = createClient(ServerReflection, connection).serverReflectionInfo(
      questionsThatGoOn(),
    );
    const reflection = reflected[Symbol.asyncIterator]();
    await reflection.next();
    child.kill('SIGTERM');
    expect((await failureOf(attached.toEnd())).summary).toBe(DRAINING);
    expect((await failureOf(reflection.next())).summary).toBe(DRAINING);
    for (const service of [...ENTRANCES, ...OTHERS]) {
      await expect
        .poll(() => told(service), { interval: 5 })
        .toEqual(['SERVING', 'NOT_SERVING', DRAINING]);
    }
    expect((await exited)[0]).toBe(0);
  });

  it('tells a reader that stalls, which has missed nothing of what came', async () => {
    const server = await serveSession();
    const { child, exited, processes } = server;
    // More than all buffers on the way hold.
    const target = await startShell(server, 'echo first; head -c 40000000 /dev/zero', {
      output: { retainedBytes: 64_000_000n },
    });
    await processes.waitProcess(target);
    // Of its own connection, which nothing else comes over.
    const { first, stream } = await watchProcess(connectClients(server.address), target);
    child.kill('SIGTERM');
    await server.untilLogged(
      '"method":"/runlet.v1.ProcessService/WatchProcess","code":"UNAVAILABLE"',
    );
    const events: ProcessEvent[] = [...first];
    const readOn = async (): Promise<void> => {
      for (let next = await stream.next(); !next.done; next = await stream.next()) {
        events.push(...next.value.events);
      }
    };
    // On a machine that is busy it is cut before it has taken what it is told.
    expect((await failureOf(readOn())).summary).toMatch(/^UNAVAILABLE/);
    expect(seqsOf(events)).toEqual(events.map((_, i) => i + 1));
    expect(events.some(isClosed)).toBe(false);
    expect((await exited)[0]).toBe(0);
  });
});

/** A question, and none after it, nor the end. */
async function* questionsThatGoOn() {
  yield { messageRequest: { case: 'listServices' as const, value: '' } };
  await new Promise(() => {});
}
