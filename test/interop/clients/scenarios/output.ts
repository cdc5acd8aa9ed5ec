import { awaitRelease } from '../../../support/shell.ts';
import {
  allOf,
  closedAfter,
  END,
  linesOf,
  numbersTo,
  sha256,
  withoutKinds,
  withoutSeq,
  writesLines,
} from '../numbers.ts';
import type { Scenario } from '../scenario.ts';
import { attach, failureOf, shell } from '../stage.ts';

const MIB = 1024 * 1024;
const HOLDER = '5b2c8c0e-31a7-4d0e-9a55-0f6e2f3d7a01';

/** 8 MB; the connection is cut when less than half of it was sent. */
const NUMBERS = 1_200_000;
const CUT_AFTER = 3 * MIB;

/** What is written, and how much of it is retained, where most of it is dropped. */
const DROPPED_NUMBERS = 200_000;
const RETAINED = 65_536;

const HUGE = 64 * MIB;

/** What a process writes, as clients read it. */
export const OUTPUT: readonly Scenario[] = [
  {
    name: 'output after exit, by a grandchild that holds stdout, is read to its end',
    async play(stage) {
      const script = `(${awaitRelease('go')}; echo late) & echo early; exit 7`;
      const process_id = 'job';
      await stage.perform('start', { process_id, spec: shell(stage, script) });
      const watch = stage.begin('watch', { process_id, reader: 'r' });
      await watch.note(({ kind }) => kind === 'exited');
      const { state } = await stage.perform('get', { process_id });
      await stage.release('go');
      const { streams, ...facts } = await watch.facts;
      return { state, data: streams['stdout']?.data, ...facts };
    },
    expected: {
      state: 'PROCESS_STATE_EXITED',
      data: Buffer.from('early\nlate\n').toString('base64'),
      kinds: ['started', 'output', 'exited', 'output', 'closed'],
      last_seq: 5,
      in_order: true,
      exited: { code: 7, reason: 'END_REASON_EXITED' },
      closed: closedAfter(11),
    },
  },
  {
    name: 'a connection that is cut amid the output costs no byte and doubles none',
    async play(stage) {
      const proxy = await stage.throughProxy();
      const first = await attach(stage, HOLDER, 1);
      const process_id = 'numbers';
      const spec = shell(stage, `seq 1 ${NUMBERS}`);
      const attachment_id = first.attachmentId;
      await stage.perform('start', { process_id, attachment_id, spec });
      const cut = proxy.cutAfter(CUT_AFTER);
      const broken = stage.begin('watch', { process_id, attachment_id, reader: 'r' });
      await cut;
      const streams = [await failureOf(broken.facts), await failureOf(first.stream.facts)];
      const second = await attach(stage, HOLDER, 2);
      const facts = await stage.perform('watch', {
        process_id,
        attachment_id: second.attachmentId,
        reader: 'r',
      });
      return { reasons: streams.map(({ reason }) => reason), ...withoutSeq(facts) };
    },
    // The library gives the status, and not every library the same; none has a reason.
    expected: { reasons: [undefined, undefined], ...allOf(numbersTo(NUMBERS)) },
  },
  {
    name: 'a gap and the output beside it add up to every byte',
    async play(stage) {
      const process_id = 'numbers';
      const spec = shell(stage, `seq 1 ${DROPPED_NUMBERS}`, {
        retained_bytes: RETAINED,
        overflow: 'OVERFLOW_DROP_OLDEST',
      });
      await stage.perform('start', { process_id, spec });
      await stage.perform('wait', { process_id });
      const facts = await stage.perform('watch', { process_id, reader: 'r' });
      const {
        bytes,
        missing,
        exact,
        sha256: hash,
      } = facts.streams['stdout'] ?? {
        ...{ bytes: 0, missing: 0, exact: false, sha256: '' },
      };
      const { streams, ...rest } = withoutSeq(facts);
      return {
        ...rest,
        exact,
        sum: bytes + missing,
        dropped: missing > 0 && bytes > 0 && bytes <= RETAINED,
        isTheRest: hash === sha256(numbersTo(DROPPED_NUMBERS).subarray(missing)),
      };
    },
    expected: {
      kinds: ['started', 'gap', 'output', 'exited', 'closed'],
      in_order: true,
      exited: END,
      closed: closedAfter(numbersTo(DROPPED_NUMBERS).length),
      exact: true,
      sum: numbersTo(DROPPED_NUMBERS).length,
      dropped: true,
      isTheRest: true,
    },
  },
  {
    name: 'a process that pauses for its reader loses none of 64 MiB',
    bulky: true,
    async play(stage) {
      const process_id = 'huge';
      const spec = shell(stage, writesLines(HUGE), {
        retained_bytes: MIB,
        overflow: 'OVERFLOW_PAUSE',
      });
      await stage.perform('start', { process_id, spec });
      return withoutKinds(withoutSeq(await stage.perform('watch', { process_id, reader: 'r' })));
    },
    expected: withoutKinds(allOf(linesOf(HUGE))),
  },
  {
    name: 'NULs, bytes that are no text and characters that events split come as they are',
    async play(stage) {
      const script = `printf 'a\\0b\\303'; ${awaitRelease('go')}; printf '\\251\\377\\0'`;
      const process_id = 'bytes';
      await stage.perform('start', { process_id, spec: shell(stage, script) });
      const watch = stage.begin('watch', { process_id, reader: 'r', notify_bytes: 4 });
      await watch.note(({ bytes }) => bytes === 4);
      await stage.release('go');
      const { last_seq, streams } = await watch.facts;
      return { last_seq, stdout: streams['stdout'] };
    },
    expected: {
      // Two events of output.
      last_seq: 5,
      stdout: {
        ...{ bytes: 7, missing: 0, exact: true },
        sha256: sha256(Buffer.from('610062c3a9ff00', 'hex')),
        data: Buffer.from('610062c3a9ff00', 'hex').toString('base64'),
      },
    },
  },
];
