import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { InteractRequestSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import { grantSet } from '../../src/identity/grants.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type Clients, connectClients, serveHere } from '../support/harness.ts';
import { as, type CallerFacts, namedCallers } from '../support/named-callers.ts';
import { shellSpec } from '../support/shell.ts';

/** A server in this process, with these callers. */
async function serveCallers(callers: Readonly<Record<string, CallerFacts>>, clock?: FakeClock) {
  const auth = namedCallers(callers);
  const served = await serveHere({ auth: [auth], ...(clock === undefined ? {} : { clock }) });
  return { ...connectClients(served.address), auth, log: served.log };
}

async function idsOf({ sessions }: Clients, name: string): Promise<readonly string[]> {
  const listed = await sessions.listSessions({}, as(name));
  return listed.sessions.map(({ sessionId }) => sessionId);
}

describe('a session', () => {
  it('is in the list of its owner alone, and in that of one who is granted admin', async () => {
    const clients = await serveCallers({
      ada: {},
      ben: {},
      root: { grants: grantSet(['admin']) },
    });
    const { sessions } = clients;
    const made = [];
    for (const name of ['ada', 'ben', 'ada']) {
      const { session } = await sessions.createSession({}, as(name));
      expect(session?.owner).toBe(`token:${name}`);
      made.push(session?.sessionId);
    }
    expect(await idsOf(clients, 'ada')).toEqual([made[0], made[2]]);
    expect(await idsOf(clients, 'ben')).toEqual([made[1]]);
    expect(await idsOf(clients, 'root')).toEqual(made);
  });

  it('can be closed by one who is granted admin, and again, and by no other', async () => {
    const { sessions } = await serveCallers({
      ada: {},
      ben: {},
      root: { grants: grantSet(['admin']) },
    });
    const sessionId = randomUUID();
    await sessions.createSession({ sessionId }, as('ada'));
    const refused = await failureOf(sessions.closeSession({ sessionId }, as('ben')));
    expect(refused.summary).toBe('NOT_FOUND/SESSION_NOT_FOUND');
    await sessions.closeSession({ sessionId }, as('root'));
    await sessions.closeSession({ sessionId }, as('root'));
    await sessions.closeSession({ sessionId }, as('ada'));
    const still = await failureOf(sessions.closeSession({ sessionId }, as('ben')));
    expect(still.summary).toBe('NOT_FOUND/SESSION_NOT_FOUND');
  });

  it('may have an id that another caller has used before', async () => {
    const { sessions } = await serveCallers({ ada: {}, ben: {} });
    const sessionId = randomUUID();
    await sessions.createSession({ sessionId }, as('ada'));
    const taken = await failureOf(sessions.createSession({ sessionId }, as('ben')));
    expect(taken.summary).toBe('ALREADY_EXISTS/SESSION_EXISTS');
    await sessions.closeSession({ sessionId }, as('ada'));
    const { session } = await sessions.createSession({ sessionId }, as('ben'));
    expect(session?.owner).toBe('token:ben');
    // It was closed once, but that was another.
    expect((await failureOf(sessions.getSession({ sessionId }, as('ada')))).summary).toBe(
      'NOT_FOUND/SESSION_NOT_FOUND',
    );
  });

  it('is told of by no place in the list of another caller', async () => {
    const { sessions } = await serveCallers({ ada: {}, ben: {} });
    const tokens = [];
    for (const [others, name] of [
      [0, 'ada'],
      [7, 'ben'],
    ] as const) {
      for (let i = 0; i < others; i++) await sessions.createSession({}, as('ada'));
      await sessions.createSession({}, as(name));
      await sessions.createSession({}, as(name));
      const page = await sessions.listSessions({ pageSize: 1 }, as(name));
      tokens.push(page.nextPageToken);
    }
    expect(tokens[1]).toBe(tokens[0]);
  });
});

describe('a message of Interact', () => {
  const start = (sessionId: string): Message => ({
    request: { case: 'start', value: { sessionId, processId: 'p', spec: shellSpec('exec cat') } },
  });
  const more: Readonly<Record<string, Message>> = {
    stdin: { request: { case: 'stdin', value: { data: Buffer.from('x') } } },
    resize: { request: { case: 'resize', value: { columns: 9, rows: 9 } } },
    signal: { request: { case: 'signal', value: { signal: 15 } } },
  };

  it.each([
    ['stdin', 'signal', 'input'],
    ['resize', 'signal', 'input'],
    ['signal', 'input', 'signal'],
  ] as const)('that is %s is not for one who is granted %s', async (kind, granted, missing) => {
    const { processes, sessions } = await serveCallers({
      ada: {},
      adas: { grants: grantSet(['start', granted]) },
    });
    const { session } = await sessions.createSession({}, as('adas'));
    const messages = [start(session?.sessionId ?? ''), more[kind] ?? {}];
    const call = processes.interact(stream(messages), as('adas'));
    const failure = await failureOf(drain(call));
    expect(failure.summary).toBe('PERMISSION_DENIED/GRANT_MISSING');
    expect(failure.info?.metadata).toEqual({ grant: missing });
  });

  it('that attaches is not for one who may start alone, nor one that starts for one who may look', async () => {
    const { processes, sessions } = await serveCallers({
      starts: { grants: grantSet(['start']) },
      looks: { grants: grantSet(['observe']) },
    });
    const { session } = await sessions.createSession({}, as('starts'));
    const sessionId = session?.sessionId ?? '';
    const attach: Message = { request: { case: 'attach', value: { sessionId, processId: 'p' } } };
    for (const [name, message, grant] of [
      ['starts', attach, 'observe'],
      ['looks', start(sessionId), 'start'],
    ] as const) {
      const failure = await failureOf(drain(processes.interact(stream([message]), as(name))));
      expect(failure.summary).toBe('PERMISSION_DENIED/GRANT_MISSING');
      expect(failure.info?.metadata).toEqual({ grant });
    }
  });
});

describe('a call under way', () => {
  it('ends when its caller is let in no more, and those of others go on', async () => {
    const clock = new FakeClock();
    const { auth, processes, sessions } = await serveCallers({ ada: {}, ben: {} }, clock);
    const streams = [];
    for (const name of ['ada', 'ben']) {
      const { session } = await sessions.createSession({}, as(name));
      const sessionId = session?.sessionId ?? '';
      const spec = shellSpec('echo ready; exec sleep 1000');
      const { process } = await processes.startProcess({ sessionId, spec }, as(name));
      const target = { sessionId, processId: process?.processId ?? '' };
      const events = processes.watchProcess(target, as(name))[Symbol.asyncIterator]();
      await events.next();
      const wait = processes.waitProcess(target, as(name));
      wait.catch(() => {});
      streams.push({ events, target, wait });
    }
    const [ada, ben] = streams;
    auth.remove('ada');
    const next = ada?.events.next();
    next?.catch(() => {});
    // Both were begun: the server has answered what came after on the connection.
    await sessions.listSessions({}, as('ben'));
    clock.advance(1_000);
    expect((await failureOf(Promise.resolve(next))).summary).toBe(
      'UNAUTHENTICATED/UNAUTHENTICATED',
    );
    expect((await failureOf(Promise.resolve(ada?.wait))).summary).toBe(
      'UNAUTHENTICATED/UNAUTHENTICATED',
    );
    const { process } = await processes.terminateProcess(
      { ...ben?.target, grace: { seconds: 0n, nanos: 0 } },
      as('ben'),
    );
    expect(process).toBeDefined();
    const last = await ben?.wait;
    expect(last?.process?.processId).toBe(ben?.target.processId);
  });

  it('ends when the time of its credentials is over', async () => {
    const clock = new FakeClock();
    const { log, sessions } = await serveCallers({ ada: { expiry: clock.now() + 5_000 } }, clock);
    const { session } = await sessions.createSession({}, as('ada'));
    const attached = sessions.attachSession({ sessionId: session?.sessionId ?? '' }, as('ada'));
    const events = attached[Symbol.asyncIterator]();
    await events.next();
    clock.advance(4_000);
    await sessions.listSessions({}, as('ada'));
    const next = events.next();
    next.catch(() => {});
    clock.advance(2_000);
    expect((await failureOf(next)).summary).toBe('UNAUTHENTICATED/UNAUTHENTICATED');
    const later = await failureOf(sessions.listSessions({}, as('ada')));
    expect(later.summary).toBe('UNAUTHENTICATED/UNAUTHENTICATED');
    // Which the log tells, and the caller is not.
    expect(log.join('')).toContain('the credentials are over');
    expect(later.error.details).not.toContain('over');
  });
});

type Message = MessageInitShape<typeof InteractRequestSchema>;

/** Messages whose stream stays open. */
async function* stream(messages: readonly Message[]): AsyncGenerator<Message> {
  yield* messages;
  await new Promise(() => {});
}

async function drain(answers: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of answers);
}
