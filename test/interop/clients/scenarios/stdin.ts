import type { Scenario } from '../scenario.ts';
import { failureOf, shell, summaryOf, textOf } from '../stage.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const CAT = { stdin: 'STDIN_MODE_PIPE' };

/** Standard input and terminals. */
export const STDIN: readonly Scenario[] = [
  {
    name: 'a write that is repeated at its offset is not doubled',
    async play(stage) {
      const target = { process_id: 'cat' };
      await stage.perform('start', { ...target, spec: shell(stage, 'cat', CAT) });
      const write = (offset: number, text: string) =>
        stage.perform('write', { ...target, offset, data: base64(text) });
      const accepted = [
        await write(0, 'hello '),
        await write(0, 'hello '),
        await write(3, 'lo world'),
      ];
      const gap = await failureOf(write(100, 'lost'));
      const writes = [
        { offset: 6, data: base64('world!\n') },
        { offset: 13, eof: true },
      ];
      accepted.push(await stage.perform('stream', { ...target, writes }));
      const { streams } = await stage.perform('watch', { ...target, reader: 'r' });
      return {
        accepted: accepted.map(({ accepted_offset }) => accepted_offset),
        gap: { code: gap.code, reason: gap.reason, metadata: gap.metadata },
        output: textOf(streams['stdout']?.data),
        late: await summaryOf(write(13, 'late')),
      };
    },
    expected: {
      accepted: [6, 6, 11, 13],
      gap: {
        code: 'OUT_OF_RANGE',
        reason: 'STDIN_OFFSET_GAP',
        metadata: { accepted_offset: '11' },
      },
      output: 'hello world!\n',
      late: 'FAILED_PRECONDITION/STDIN_CLOSED',
    },
  },
  {
    name: 'one call starts a process, writes to it and reads from it',
    async play(stage) {
      const writes = [
        { offset: 0, data: base64('one ') },
        { offset: 0, data: base64('one two') },
        { eof: true },
      ];
      const { streams, exited, in_order } = await stage.perform('interact', {
        ...{ process_id: 'cat', reader: 'r', writes },
        spec: shell(stage, 'cat', CAT),
      });
      return { output: textOf(streams['stdout']?.data), exited, in_order };
    },
    expected: {
      output: 'one two',
      exited: { code: 0, reason: 'END_REASON_EXITED' },
      in_order: true,
    },
  },
  {
    name: 'a terminal has the size that it was given, and the one that it gets later',
    async play(stage) {
      const process_id = 'terminal';
      const terminal = { columns: 100, rows: 30 };
      const script = 'stty size; read -r line; stty size';
      await stage.perform('start', { process_id, spec: shell(stage, script, { terminal }) });
      const first = '30 100\r\n';
      const watch = stage.begin('watch', { process_id, reader: 'r', notify_bytes: first.length });
      await watch.note(({ bytes }) => bytes === first.length);
      await stage.perform('resize', { process_id, columns: 120, rows: 40 });
      await stage.perform('write', { process_id, data: base64('\n') });
      const { streams, exited } = await watch.facts;
      await stage.perform('start', { process_id: 'pipes', spec: shell(stage, 'exec sleep 1000') });
      const none = stage.perform('resize', { process_id: 'pipes', ...terminal });
      return {
        streams: Object.keys(streams),
        // Between the two sizes, the echo of what was written.
        output: textOf(streams['terminal']?.data),
        exited,
        none: await summaryOf(none),
      };
    },
    expected: {
      streams: ['terminal'],
      output: '30 100\r\n\r\n40 120\r\n',
      exited: { code: 0, reason: 'END_REASON_EXITED' },
      none: 'FAILED_PRECONDITION/NO_TERMINAL',
    },
  },
];
