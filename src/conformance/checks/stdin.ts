import { ProcessState, StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { ensure, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import { type CheckContext, type Target, ZERO } from '../context.ts';
import { bytesOf, exitedOf, statusOf, textOf } from '../event-reader.ts';

const CLOSED = 'FAILED_PRECONDITION/STDIN_CLOSED';

/** So often a write may find the pipe of a process still open that has closed it. */
const WRITES = 200;

/** More than a pipe takes. */
const MUCH = 200_000;

/** A process that writes what it reads. */
function startCat(context: CheckContext): Promise<Target> {
  return context.start(['cat'], { stdin: StdinMode.PIPE });
}

/** Writes to standard input, one call at a time. */
export const stdin: readonly Check[] = [
  {
    id: 'STDIN-01',
    title: 'What is written is read as it was written, and `eof` after it',
    clause: 'WriteStdinRequest.eof',
    async run(context) {
      const target = await startCat(context);
      await context.write(target, 'one ');
      await context.write(target, 'two', { eof: true });
      const all = await context.eventsOf(target);
      ensureEqual(textOf(all), 'one two', 'what was read');
      ensureEqual(statusOf(exitedOf(all)), 'code 0', 'the end');
    },
  },
  {
    id: 'STDIN-02',
    title: 'Without a mode, a process reads end-of-file at once and takes no input',
    clause: 'STDIN_MODE_CLOSED',
    async run(context) {
      const target = await context.start(['cat']);
      await ensureFails(context.write(target, 'x'), CLOSED, 'a write');
      const all = await context.eventsOf(target);
      ensureEqual(statusOf(exitedOf(all)), 'code 0', 'the end of a process that reads');
    },
  },
  {
    id: 'STDIN-03',
    title: '`accepted_offset` counts all bytes that were accepted',
    clause: 'WriteStdinResponse.accepted_offset',
    async run(context) {
      const target = await startCat(context);
      ensureEqual(await context.write(target, ''), 0n, 'before a write');
      ensureEqual(await context.write(target, 'abc'), 3n, 'after three bytes');
      ensureEqual(await context.write(target, 'de'), 5n, 'after two more');
      ensureEqual(await context.write(target, ''), 5n, 'as an empty write tells');
    },
  },
  {
    id: 'STDIN-04',
    title: 'A write that is repeated with its offset is not doubled, with `eof` neither',
    clause: 'WriteStdinRequest.offset',
    async run(context) {
      const target = await startCat(context);
      const writes = [
        { offset: 0n, text: 'abc', eof: false },
        { offset: 0n, text: 'abc', eof: false },
        { offset: 3n, text: 'def', eof: true },
        { offset: 3n, text: 'def', eof: true },
      ];
      for (const { eof, offset, text } of writes) {
        const accepted = await context.write(target, text, { offset, eof });
        ensureEqual(accepted, offset + 3n, 'accepted_offset');
      }
      ensureEqual(textOf(await context.eventsOf(target)), 'abcdef', 'what was read');
    },
  },
  {
    id: 'STDIN-05',
    title: 'Of a write that overlaps what was accepted only the rest is written',
    clause: 'WriteStdinRequest.offset',
    async run(context) {
      const target = await startCat(context);
      await context.write(target, 'abc', { offset: 0n });
      const accepted = await context.write(target, 'bcde', { offset: 1n });
      ensureEqual(accepted, 5n, 'accepted_offset');
      await context.write(target, '', { eof: true });
      ensureEqual(textOf(await context.eventsOf(target)), 'abcde', 'what was read');
    },
  },
  {
    id: 'STDIN-06',
    title: 'An offset beyond what was accepted is refused, and says how much was',
    clause: 'ERROR_REASON_STDIN_OFFSET_GAP',
    async run(context) {
      const target = await startCat(context);
      await context.write(target, 'abc');
      const { info } = await ensureFails(
        context.write(target, 'x', { offset: 4n }),
        'OUT_OF_RANGE/STDIN_OFFSET_GAP',
        'a write at 4 after 3 bytes',
      );
      ensureEqual(info?.metadata['accepted_offset'], '3', 'the metadata accepted_offset');
      await context.write(target, '', { eof: true });
      ensureEqual(textOf(await context.eventsOf(target)), 'abc', 'what was read');
    },
  },
  {
    id: 'STDIN-07',
    title: 'Nothing can be written after `eof`',
    clause: 'ERROR_REASON_STDIN_CLOSED',
    async run(context) {
      const script = 'cat; exec sleep 1000';
      const target = await context.startShell(script, { stdin: StdinMode.PIPE });
      await context.write(target, 'abc', { eof: true });
      await ensureFails(context.write(target, 'def'), CLOSED, 'a write after eof');
    },
  },
  {
    id: 'STDIN-08',
    title: 'A process that closes its standard input refuses writes, and goes on',
    clause: 'ERROR_REASON_STDIN_CLOSED',
    async run(context) {
      const script = 'exec 0<&-; echo closed; exec sleep 1000';
      const target = await context.startShell(script, { stdin: StdinMode.PIPE });
      await context.watch(target).untilOutput('closed\n');
      // The first may find the pipe still open: in a child of the server that is being started
      // and has not got rid of what it inherited.
      let answer = '';
      for (let i = 0; i < WRITES && answer !== CLOSED; i++) {
        answer = (await outcomeOf(context.write(target, 'x'))).summary;
      }
      ensureEqual(answer, CLOSED, 'a write');
      ensureEqual((await context.get(target)).state, ProcessState.RUNNING, 'the state after it');
    },
  },
  {
    id: 'STDIN-09',
    title: 'A write is held until the process has room for it in its pipe',
    clause: 'ProcessService.WriteStdin',
    async run(context) {
      const target = await context.startShell('exec sleep 1000', { stdin: StdinMode.PIPE });
      const data = Buffer.alloc(MUCH);
      const written = outcomeOf(context.processes.writeStdin({ ...target, data }));
      await context.get(target);
      await context.processes.terminateProcess({ ...target, grace: ZERO });
      ensureEqual((await written).summary, CLOSED, 'a write that the process never read');
    },
  },
  {
    id: 'STDIN-10',
    title: 'Writes at the same time are done whole, one after the other',
    clause: 'ProcessService.WriteStdin',
    async run(context) {
      const target = await startCat(context);
      const letters = ['a', 'b', 'c'];
      const writes = letters.map((letter) => context.write(target, letter.repeat(MUCH)));
      await Promise.all(writes);
      await context.write(target, '', { eof: true });
      const text = bytesOf(await context.eventsOf(target)).toString();
      ensureEqual(text.length, letters.length * MUCH, 'how many bytes were read');
      const runs = text.match(/(.)\1*/g)?.map((run) => run[0]);
      ensureEqual(runs?.sort(), letters, 'the runs of one letter');
    },
  },
  {
    id: 'STDIN-11',
    title: 'A write to a process that has ended is refused',
    clause: 'ERROR_REASON_STDIN_CLOSED',
    async run(context) {
      const target = await context.startShell('true', { stdin: StdinMode.PIPE });
      await context.processes.waitProcess(target);
      await ensureFails(context.write(target, 'x'), CLOSED, 'a write');
    },
  },
  {
    id: 'STDIN-12',
    title: 'Writing is independent of reading: a process is read while a write to it waits',
    clause: 'ProcessService.WriteStdin',
    async run(context) {
      const script = 'echo working; read line; echo "$line"; exec cat';
      const target = await context.startShell(script, { stdin: StdinMode.PIPE });
      const reader = context.watch(target);
      await reader.untilOutput('working\n');
      const text = `first\n${'x'.repeat(MUCH)}`;
      const written = context.write(target, text, { eof: true });
      const first = await reader.untilOutput('first\n');
      const bytes = bytesOf([...first, ...(await reader.rest())]);
      ensureEqual(bytes.byteLength, text.length, 'how many bytes came back');
      ensure((await written) === BigInt(text.length), 'accepted_offset is not all');
    },
  },
];
