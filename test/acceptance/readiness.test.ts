import { execFile } from 'node:child_process';
import { appendFile, chmod, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { collect } from '../support/events.ts';
import { temporaryFolder } from '../support/harness.ts';
import { hangFolder } from '../support/hung-mount.ts';
import { HAS_PRLIMIT, lowerLimit } from '../support/rlimits.ts';
import { PATH } from '../support/shell.ts';
import { mountSmall } from '../support/small-disk.ts';
import {
  ENTRANCES,
  OTHERS,
  serveWatched,
  untilRefused,
  type Watched,
} from '../support/watched-readiness.ts';

const run = promisify(execFile);

const MIB = 1024 * 1024;
const IS_ROOT = process.getuid?.() === 0;

/** Calls of all that begins something: none is refused. */
async function beginsAll({ processes, sessions }: Watched): Promise<void> {
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  const spec = { argv: ['true'], env: { PATH } };
  await processes.startProcess({ sessionId, spec });
  await collect(processes.run({ spec }));
  await sessions.closeSession({ sessionId });
}

/** New work is to come again, and what there is went on all the while. */
async function expectBack(watched: Watched): Promise<void> {
  await watched.untilEntrances('SERVING');
  expect(await watched.readyz()).toEqual([200, 'ok']);
  for (const service of OTHERS) expect(watched.told(service)).toEqual(['SERVING']);
}

/** Fills a disk; returns how there is room again. */
async function fill(disk: string): Promise<() => Promise<void>> {
  const filler = join(disk, 'filler');
  for (let size = MIB; size > 0; size = Math.floor(size / 2)) {
    const piece = Buffer.alloc(size);
    while (await wrote(appendFile(filler, piece)));
  }
  return () => rm(filler);
}

function wrote(write: Promise<void>): Promise<boolean> {
  return write.then(
    () => true,
    () => false,
  );
}

describe('the marks of a server', () => {
  it.each([
    ['before', '4'],
    ['at', '3'],
  ])('are told before a session is refused, with a mark %s the limit', async (_, most) => {
    const watched = await serveWatched(['--high-water', 'sessions=3', '--max-sessions', most]);
    const { sessions } = watched;
    const ids: string[] = [];
    const refused = await untilRefused(watched, async () => {
      const { session } = await sessions.createSession({});
      ids.push(session?.sessionId ?? '');
    });
    expect([refused, ids.length]).toEqual(['RESOURCE_EXHAUSTED/LIMIT_EXCEEDED', Number(most)]);
    expect(await watched.readyz()).toEqual([503, 'not ready, sessions']);
    for (const service of ENTRANCES) {
      expect(watched.told(service)).toEqual(['SERVING', 'NOT_SERVING']);
    }
    for (const sessionId of ids) await sessions.closeSession({ sessionId });
    await expectBack(watched);
  });

  it('are told of memory, which nothing is refused for, and which comes back by itself', async () => {
    const watched = await serveWatched([
      ...['--high-water', 'memory=200MiB', '--output-disk', '0'],
      ...['--output-memory', '1GiB', '--max-retained-bytes', '1GiB'],
    ]);
    const { processes, sessions } = watched;
    const { session } = await sessions.createSession({});
    const sessionId = session?.sessionId ?? '';
    const spec = {
      argv: ['head', '-c', `${200 * MIB}`, '/dev/zero'],
      env: { PATH },
      output: { retainedBytes: BigInt(256 * MIB) },
    };
    await processes.startProcess({ sessionId, spec });
    await watched.untilEntrances('NOT_SERVING');
    expect(await watched.readyz()).toEqual([503, 'not ready, memory']);
    await beginsAll(watched);
    await sessions.closeSession({ sessionId });
    // Nobody calls meanwhile, so that nothing else collects what is not used any more.
    await expectBack(watched);
  });
});

/** How a folder becomes one that cannot be written; returns how it can be again. */
type Spoil = (folder: string) => Promise<string | (() => Promise<void>)>;

const SPOILED: Readonly<Record<string, Spoil>> = {
  'is read-only': async (folder) => {
    if (!IS_ROOT) {
      await chmod(folder, 0o500);
      return () => chmod(folder, 0o700);
    }
    await run('mount', ['--bind', folder, folder]);
    onTestFinished(() =>
      run('umount', ['--lazy', folder])
        .then(Boolean, Boolean)
        .then(() => {}),
    );
    await run('mount', ['-o', 'remount,bind,ro', folder]);
    return () => run('umount', ['--lazy', folder]).then(() => {});
  },
  'is on a disk that is full': fill,
  'was removed': async (folder) => {
    await rename(folder, `${folder}-away`);
    return () => rename(`${folder}-away`, folder);
  },
  'does not answer': hangFolder,
};

describe('a folder for state', () => {
  it.for(Object.entries(SPOILED))(
    'that %s ends readiness until it is well again, and nothing is refused',
    async ([how, spoil], { skip }) => {
      const disk = join(await temporaryFolder(), 'disk');
      await mkdir(disk);
      if (how.includes('disk') && (await mountSmall(disk, '16m')) !== undefined) return skip();
      const stateFolder = how.includes('disk') ? disk : join(disk, 'state');
      const watched = await serveWatched([], { stateFolder });
      const mend = await spoil(stateFolder);
      if (typeof mend === 'string') return skip(mend);
      await watched.untilEntrances('NOT_SERVING');
      expect(await watched.readyz()).toEqual([503, 'not ready, state-folder']);
      await beginsAll(watched);
      await mend();
      await expectBack(watched);
    },
  );

  it('ends readiness before output is lost, where it could be looked at too late', async () => {
    const stateFolder = join(await temporaryFolder(), 'state');
    const watched = await serveWatched(['--output-memory', '1MiB'], { stateFolder });
    const { processes, sessions } = watched;
    const { session } = await sessions.createSession({});
    const sessionId = session?.sessionId ?? '';
    await rename(stateFolder, `${stateFolder}-away`);
    await appendFile(stateFolder, '');
    const spec = { argv: ['head', '-c', `${8 * MIB}`, '/dev/zero'], env: { PATH } };
    const { process } = await processes.startProcess({ sessionId, spec });
    const processId = process?.processId ?? '';
    await processes.waitProcess({ sessionId, processId });
    const { events } = await processes.readProcess({ sessionId, processId });
    expect(events.map(({ event }) => event.case)).toContain('gap');
    expect(watched.told('').at(-1)).toBe('NOT_SERVING');
    expect((await watched.readyz())[1]).toContain('output-files');
    await rm(stateFolder);
    await rename(`${stateFolder}-away`, stateFolder);
    await expectBack(watched);
  });
});

/** How an audit becomes one that cannot be written; returns how it can be again. */
type SpoilAudit = (watched: Watched, file: string) => Promise<() => Promise<unknown>>;

const SPOILED_AUDITS: Readonly<Record<string, SpoilAudit>> = {
  'has a disk that is full': async (_watched, file) => fill(join(file, '..')),
  'may not grow': async ({ child }, file) => {
    const { size } = await stat(file);
    const room = lowerLimit(child.pid ?? 0, 'fsize', size + 20);
    return async () => room();
  },
};

describe.each(Object.entries(SPOILED_AUDITS))('an audit that %s', (how, spoil) => {
  /** A server with an audit, which was not spoiled yet; undefined: there is nothing to do that with. */
  async function audited(...flags: readonly string[]) {
    const folder = join(await temporaryFolder(), 'audits');
    await mkdir(folder);
    if (how.includes('disk') && (await mountSmall(folder, '1m')) !== undefined) return undefined;
    if (how.includes('grow') && !HAS_PRLIMIT) return undefined;
    const file = join(folder, 'audit.jsonl');
    const watched = await serveWatched(['--output-disk', '0', '--audit', file, ...flags]);
    const labels = { text: 'x' };
    return { ...watched, file, call: () => watched.sessions.createSession({ labels }) };
  }

  it('ends readiness before the first call is refused, where it is required', async ({ skip }) => {
    const watched = await audited('--audit-required');
    if (watched === undefined) return skip();
    const mend = await spoil(watched, watched.file);
    expect(await untilRefused(watched, watched.call)).toBe('UNAVAILABLE/AUDIT_UNAVAILABLE');
    expect(await watched.readyz()).toEqual([503, 'not ready, audit']);
    await mend();
    await expectBack(watched);
    await watched.call();
  });

  it('ends readiness and nothing else, where it is not', async ({ skip }) => {
    const watched = await audited();
    if (watched === undefined) return skip();
    const mend = await spoil(watched, watched.file);
    for (;;) {
      await watched.call();
      if (watched.told('').at(-1) === 'NOT_SERVING') break;
    }
    expect(await watched.readyz()).toEqual([503, 'not ready, audit']);
    await beginsAll(watched);
    await mend();
    await expectBack(watched);
  });
});

describe('a server that drains', () => {
  it('says so of all services before the first call is refused', async () => {
    const watched = await serveWatched(['--drain', 'wait', '--drain-timeout', '1h']);
    const { child, exited, processes, sessions } = watched;
    const { session } = await sessions.createSession({});
    const sessionId = session?.sessionId ?? '';
    const spec = { argv: ['cat'], stdin: StdinMode.PIPE, env: { PATH } };
    const { process } = await processes.startProcess({ sessionId, spec });
    let calls = 0;
    const refused = await untilRefused(watched, async () => {
      calls += 1;
      if (calls === 10) child.kill('SIGTERM');
      await sessions.createSession({});
    });
    expect(refused).toBe('UNAVAILABLE/DRAINING');
    expect(await watched.readyz()).toEqual([503, 'not ready, draining']);
    for (const service of [...ENTRANCES, ...OTHERS]) {
      await expect.poll(() => watched.told(service)).toEqual(['SERVING', 'NOT_SERVING']);
    }
    // What is there goes on.
    const processId = process?.processId ?? '';
    await processes.writeStdin({ sessionId, processId, eof: true });
    await processes.waitProcess({ sessionId, processId });
    child.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
  });
});
