import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import type { Limits } from '../../src/limits.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';
import { collect, outputOf, summarize } from '../support/events.ts';
import { type Failure, failureOf } from '../support/failure.ts';
import {
  type Clients,
  connectClients,
  type ServedHere,
  serveHere,
  temporaryFolder,
} from '../support/harness.ts';
import { as, namedCallers } from '../support/named-callers.ts';

const MIB = 1024 * 1024;
const GREEDY = as('greedy');
const MODEST = as('modest');
const SLEEP = { argv: ['/bin/sleep', '1000'] };

/** A server with two callers, and a connection for each of them. */
interface Shared extends ServedHere {
  readonly greedy: Clients;
  readonly modest: Clients;
}

async function share(options: Partial<ServerOptions>): Promise<Shared> {
  const served = await serveHere({ auth: [namedCallers({ greedy: {}, modest: {} })], ...options });
  return {
    ...served,
    greedy: connectClients(served.address),
    modest: connectClients(served.address),
  };
}

async function sessionOf({ sessions }: Clients, options = GREEDY): Promise<string> {
  const { session } = await sessions.createSession({}, options);
  return session?.sessionId ?? '';
}

/** What a caller does that keeps within its limits, from a session's beginning to its end. */
async function work(clients: Clients): Promise<void> {
  const { processes, sessions } = clients;
  const sessionId = await sessionOf(clients, MODEST);
  const target = { sessionId, processId: 'p' };
  const spec = { argv: ['/bin/cat'], stdin: StdinMode.PIPE, env: { A: 'b' } };
  await processes.startProcess({ ...target, spec }, MODEST);
  const watched = collect(processes.watchProcess(target, MODEST));
  await processes.writeStdin({ ...target, data: Buffer.from('hello'), eof: true }, MODEST);
  const events = await watched;
  expect(outputOf(events).toString()).toBe('hello');
  expect(summarize(events)).toContain('exited code 0 reason 1');
  await sessions.closeSession({ sessionId }, MODEST);
}

/** Does something until it fails, and again and again from then on, until `stopped`. */
async function drive(
  action: (i: number) => Promise<unknown>,
  underWay: { refused: (failure: Failure) => void; stopped: boolean },
): Promise<void> {
  for (let i = 0; !underWay.stopped; i++) {
    const failure = await action(i).then(
      () => undefined,
      (error: unknown) => failureOf(Promise.reject(error)),
    );
    if (failure !== undefined) underWay.refused(failure);
    await turn();
  }
}

/** How one caller is driven past a limit. */
interface Drive {
  readonly limits: Partial<Limits>;
  /** What is said of the limit. */
  readonly limit: string;
  readonly maximum: number;
  /** The error says when a retry may help. */
  readonly tellsWhen?: boolean;
  /** Begins, and returns what is done again and again. */
  begin(greedy: Clients): Promise<(i: number) => Promise<unknown>>;
}

/** Begins something that goes on; resolves once the server has answered in some way. */
async function begun(stream: AsyncIterable<unknown>): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]();
  await iterator.next();
  // It goes on until the connection ends.
  void iterator.next().catch(() => {});
}

const DRIVES: readonly Drive[] = [
  {
    limit: 'max_principal_sessions',
    maximum: 3,
    limits: { maxPrincipalSessions: 3 },
    begin:
      async ({ sessions }) =>
      () =>
        sessions.createSession({}, GREEDY),
  },
  {
    limit: 'max_principal_processes',
    maximum: 3,
    limits: { maxPrincipalProcesses: 3 },
    async begin(greedy) {
      const sessionId = await sessionOf(greedy);
      return () => greedy.processes.startProcess({ sessionId, spec: SLEEP }, GREEDY);
    },
  },
  {
    limit: 'max_principal_starts_per_second',
    maximum: 1,
    limits: { maxPrincipalStartsPerSecond: 1 },
    tellsWhen: true,
    async begin({ processes }) {
      const spec = { argv: ['/bin/true'] };
      return () => collect(processes.run({ spec }, GREEDY));
    },
  },
  {
    limit: 'max_principal_streams',
    maximum: 4,
    limits: { maxPrincipalStreams: 4 },
    async begin(greedy) {
      const sessionId = await sessionOf(greedy);
      await greedy.processes.startProcess({ sessionId, processId: 'p', spec: SLEEP }, GREEDY);
      const target = { sessionId, processId: 'p' };
      return () => begun(greedy.processes.watchProcess(target, GREEDY));
    },
  },
  {
    limit: 'max_connection_streams',
    maximum: 4,
    limits: { maxConnectionStreams: 4 },
    async begin(greedy) {
      const sessionId = await sessionOf(greedy);
      await greedy.processes.startProcess({ sessionId, processId: 'p', spec: SLEEP }, GREEDY);
      const target = { sessionId, processId: 'p' };
      return () => begun(greedy.processes.watchProcess(target, GREEDY));
    },
  },
  {
    limit: 'max_process_watchers',
    maximum: 3,
    limits: { maxProcessWatchers: 3 },
    async begin(greedy) {
      const sessionId = await sessionOf(greedy);
      const { processes } = greedy;
      await processes.startProcess({ sessionId, processId: 'p', spec: SLEEP }, GREEDY);
      const target = { sessionId, processId: 'p' };
      return (i) =>
        i % 2 === 0
          ? begun(processes.watchProcess(target, GREEDY))
          : processes.readProcess(target, GREEDY);
    },
  },
  {
    limit: 'max_principal_stdin_bytes',
    maximum: MIB,
    limits: { maxPrincipalStdinBytes: MIB },
    async begin(greedy) {
      const sessionId = await sessionOf(greedy);
      const target = { sessionId, processId: 'p' };
      const spec = { ...SLEEP, stdin: StdinMode.PIPE };
      await greedy.processes.startProcess({ ...target, spec }, GREEDY);
      const data = Buffer.alloc(MIB / 4);
      const waiting = new Set<Promise<unknown>>();
      return async () => {
        const written = greedy.processes.writeStdin({ ...target, data }, GREEDY);
        const answered: Promise<unknown> = written.finally(() => waiting.delete(answered));
        answered.catch(() => {});
        waiting.add(answered);
        // Nothing is read of it, so that of more than there may be one is refused.
        if (waiting.size > 4) await Promise.race(waiting);
      };
    },
  },
  {
    limit: 'max_argv_bytes',
    maximum: 1000,
    limits: { maxArgvBytes: 1000 },
    begin: async ({ processes }) => {
      const spec = { argv: ['/bin/true', 'x'.repeat(1000)] };
      return () => collect(processes.run({ spec }, GREEDY));
    },
  },
  {
    limit: 'max_env_bytes',
    maximum: 1000,
    limits: { maxEnvBytes: 1000 },
    begin: async ({ processes }) => {
      const half = 'x'.repeat(500);
      const spec = { argv: ['/bin/true'], env: { A: half }, envPolicy: { set: { B: half } } };
      return () => collect(processes.run({ spec }, GREEDY));
    },
  },
];

describe.each(DRIVES)(
  'one caller beyond $limit',
  ({ begin, limit, limits, maximum, tellsWhen }) => {
    it('is told of it, and another sees nothing of that', async () => {
      const { greedy, modest } = await share({ limits });
      await work(modest);
      const action = await begin(greedy);
      const refused: Failure[] = [];
      const underWay = {
        refused: (failure: Failure) => void refused.push(failure),
        stopped: false,
      };
      const driven = drive(action, underWay);
      await expect.poll(() => refused.length).toBeGreaterThan(0);
      for (let i = 0; i < 3; i++) await work(modest);
      const before = refused.length;
      await expect.poll(() => refused.length).toBeGreaterThan(before);
      underWay.stopped = true;
      await driven;
      for (const { info, retry, summary } of refused) {
        expect(summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
        expect(info?.metadata).toEqual({ limit, maximum: String(maximum) });
        expect(retry !== undefined).toBe(tellsWhen === true);
      }
      await work(modest);
    });
  },
);

/** Prints so much, and is retained. */
async function print(
  { processes }: Clients,
  sessionId: string,
  bytes: number,
  options = GREEDY,
): Promise<string> {
  const spec = {
    argv: ['/usr/bin/head', '-c', String(bytes), '/dev/zero'],
    output: { retainedBytes: BigInt(bytes) },
  };
  const { process } = await processes.startProcess({ sessionId, spec }, options);
  const processId = process?.processId ?? '';
  await processes.waitProcess({ sessionId, processId }, options);
  return processId;
}

/** How much of what a process has printed is still there. */
async function left(
  { processes }: Clients,
  sessionId: string,
  processId: string,
  options = GREEDY,
): Promise<number> {
  const events = await collect(processes.watchProcess({ sessionId, processId }, options));
  return outputOf(events).length;
}

/** Bytes of all files below a folder. */
async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries.map(async (entry) => {
    if (!entry.isFile()) return 0;
    // It may be gone by now.
    const { blocks } = await stat(join(entry.parentPath, entry.name)).catch(() => ({ blocks: 0 }));
    return blocks * 512;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

describe('the output of one caller beyond its part', () => {
  it.each([
    ['it may have', { outputMemoryBytes: 64 * MIB, principalOutputMemoryBytes: 4 * MIB }],
    ['there is', { outputMemoryBytes: 6 * MIB, principalOutputMemoryBytes: 6 * MIB }],
  ])('of the memory that %s is dropped, the oldest first, and no other', async (_, limits) => {
    const { greedy, modest } = await share({ limits });
    const own = await sessionOf(modest, MODEST);
    // The first that is over, and more than each of the others: it would go before them.
    const kept = await print(modest, own, 2 * MIB, MODEST);
    const sessionId = await sessionOf(greedy);
    const printed: string[] = [];
    for (let i = 0; i < 20; i++) printed.push(await print(greedy, sessionId, MIB));
    const lefts = await Promise.all(printed.map((id) => left(greedy, sessionId, id)));
    expect(lefts.at(0)).toBe(0);
    expect(lefts.at(-1)).toBe(MIB);
    expect(lefts.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(4 * MIB);
    expect(await left(modest, own, kept, MODEST)).toBe(2 * MIB);
  });

  it('of disk is dropped, the oldest first, and no other', async () => {
    const limits = {
      outputMemoryBytes: 4 * MIB,
      outputDiskBytes: 1024 * MIB,
      principalOutputDiskBytes: 48 * MIB,
    };
    const stateFolder = await temporaryFolder();
    const { greedy, modest } = await share({ limits, stateFolder });
    const own = await sessionOf(modest, MODEST);
    const kept = await print(modest, own, 24 * MIB, MODEST);
    const sessionId = await sessionOf(greedy);
    const printed: string[] = [];
    for (let i = 0; i < 10; i++) printed.push(await print(greedy, sessionId, 20 * MIB));
    const lefts = await Promise.all(printed.map((id) => left(greedy, sessionId, id)));
    expect(lefts.at(0)).toBe(0);
    expect(lefts.at(-1)).toBeGreaterThan(0);
    // A file more than there may be while it is written.
    expect(await bytesBelow(stateFolder)).toBeLessThan((48 + 24 + 16) * MIB);
    expect(await left(modest, own, kept, MODEST)).toBe(24 * MIB);
  });
});
