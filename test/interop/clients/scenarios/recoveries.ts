import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  allOf,
  END,
  linesOf,
  numbersTo,
  withoutKinds,
  withoutSeq,
  writesLines,
} from '../numbers.ts';
import type { Scenario } from '../scenario.ts';
import { attach, failureOf, shell } from '../stage.ts';

const MIB = 1024 * 1024;
const OTHER = 'c1f0a6b2-7d43-4b59-8e21-9a3b5c7d1e02';

/** After the last break there is more than the server keeps for what is not acknowledged: 32 MiB. */
const WRITTEN = 48 * MIB;
/** Less than sockets hold. */
const RETAINED = 65_536;
/** What is written to stdin, in bytes: about 2 MB. */
const INPUT = numbersTo(300_000);

/** So far apart, in bytes, and so often, that each answer before the end of a process is hit. */
const ANSWER_STEP = 100;
const ANSWER_CUTS = 24;

/** What a package does by itself. */
export const RECOVERIES: readonly Scenario[] = [
  {
    name: 'breaks amid the output of a process that waits for it cost no byte',
    bulky: true,
    async play(stage) {
      const proxy = await stage.throughProxy();
      const spec = shell(stage, writesLines(WRITTEN), {
        retained_bytes: RETAINED,
        overflow: 'OVERFLOW_PAUSE',
      });
      const follow = stage.begin('follow', { process_id: 'lines', spec, reader: 'r' });
      for (let cuts = 0; cuts < 3; cuts += 1) await proxy.cutAfter(4 * MIB);
      const facts = await follow.facts;
      return { connections: proxy.accepted() > 3, ...withoutKinds(withoutSeq(facts)) };
    },
    expected: { connections: true, ...withoutKinds(allOf(linesOf(WRITTEN))) },
  },
  {
    name: 'breaks amid the input of a process lose and double none of it',
    async play(stage) {
      const proxy = await stage.throughProxy();
      const follow = stage.begin('follow', {
        ...{ process_id: 'cat', reader: 'r', data: INPUT.toString('base64') },
        spec: shell(stage, 'cat', { stdin: 'STDIN_MODE_PIPE', overflow: 'OVERFLOW_PAUSE' }),
      });
      for (let cuts = 0; cuts < 2; cuts += 1) await proxy.cutAfter(MIB / 2);
      const { streams, exited, closed } = await follow.facts;
      return { stdout: streams['stdout'], exited, closed };
    },
    expected: {
      stdout: allOf(INPUT).streams.stdout,
      exited: allOf(INPUT).exited,
      closed: allOf(INPUT).closed,
    },
  },
  {
    name: 'a command runs once, wherever the connection breaks before it has ended',
    async play(stage) {
      // Sessions of their own: the answer to those who attach tells of all processes.
      const sessions = await Promise.all(
        Array.from({ length: ANSWER_CUTS }, async () => {
          const session = { session_id: randomUUID() };
          await stage.perform('create', session);
          return session;
        }),
      );
      const proxy = await stage.throughProxy();
      const spec = shell(stage, 'echo run >> runs');
      const ends: unknown[] = [];
      // Each answer of the server, that to the start included, is lost in one of them.
      for (const [i, session] of sessions.entries()) {
        void proxy.cutAfter(1 + i * ANSWER_STEP);
        const follow = { ...session, process_id: 'job', spec, reader: `cut ${i}` };
        ends.push((await stage.perform('follow', follow)).exited);
      }
      void proxy.cutAfter(Number.POSITIVE_INFINITY);
      const runs = (await readFile(join(stage.folder, 'runs'), 'utf8')).match(/run/g)?.length;
      return {
        ends: ends.filter((end) => !isDeepStrictEqual(end, END)),
        once: runs === ends.length,
      };
    },
    expected: { ends: [], once: true },
  },
  {
    name: 'a start that fails is told as what it is, and not tried again',
    async play(stage) {
      const spec = { argv: ['/no/such/program'] };
      const follow = stage.perform('follow', { process_id: 'none', spec, reader: 'r' });
      const { code, reason, stage: where, errno_name } = await failureOf(follow);
      return { code, reason, where, errno_name };
    },
    expected: {
      code: 'FAILED_PRECONDITION',
      reason: 'START_FAILED',
      where: 'START_STAGE_PROGRAM',
      errno_name: 'ENOENT',
    },
  },
  {
    name: 'a session that another client takes over is lost, and not taken back',
    async play(stage) {
      const spec = shell(stage, 'exec sleep 1000');
      const process_id = 'idle';
      const follow = stage.begin('follow', { process_id, spec, reader: 'r' });
      await follow.note(({ kind }) => kind === 'started');
      const { attachmentId } = await attach(stage, OTHER, 1);
      const { code, reason } = await failureOf(follow.facts);
      // Still theirs.
      const mine = { process_id, attachment_id: attachmentId };
      return { code, reason, state: (await stage.perform('get', mine)).state };
    },
    expected: { code: 'LOST', reason: 'superseded', state: 'PROCESS_STATE_RUNNING' },
  },
];
