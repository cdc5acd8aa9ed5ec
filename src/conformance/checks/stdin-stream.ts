import type { MessageInitShape } from '@bufbuild/protobuf';
import { StdinMode, type StreamStdinRequestSchema } from '../../gen/runlet/v1/process_pb.ts';
import { ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import { textOf } from '../event-reader.ts';

type Message = MessageInitShape<typeof StreamStdinRequestSchema>;

async function* stream(...messages: Message[]): AsyncGenerator<Message> {
  yield* messages;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** Writes to standard input, many in one call. */
export const stdinStream: readonly Check[] = [
  {
    id: 'STREAM-01',
    title: 'A stream writes message after message, and answers how much was accepted in all',
    clause: 'ProcessService.StreamStdin',
    async run(context) {
      const target = await context.start(['cat'], { stdin: StdinMode.PIPE });
      await context.write(target, 'zero ');
      const messages = stream(
        { ...target, data: bytes('one ') },
        { data: bytes('two ') },
        { ...target, data: bytes('three'), eof: true },
      );
      const { acceptedOffset } = await context.processes.streamStdin(messages);
      ensureEqual(acceptedOffset, 18n, 'accepted_offset');
      ensureEqual(textOf(await context.eventsOf(target)), 'zero one two three', 'what was read');
    },
  },
  {
    id: 'STREAM-02',
    title: 'The end of the stream is not end-of-file',
    clause: 'ProcessService.StreamStdin',
    async run(context) {
      const target = await context.start(['cat'], { stdin: StdinMode.PIPE });
      await context.processes.streamStdin(stream({ ...target, data: bytes('one ') }));
      await context.write(target, 'two', { eof: true });
      ensureEqual(textOf(await context.eventsOf(target)), 'one two', 'what was read');
    },
  },
  {
    id: 'STREAM-03',
    title: 'A stream is resumed by its offset, and what was accepted is not doubled',
    clause: 'StreamStdinRequest.offset',
    async run(context) {
      const target = await context.start(['cat'], { stdin: StdinMode.PIPE });
      await context.processes.streamStdin(stream({ ...target, offset: 0n, data: bytes('one ') }));
      const again = stream(
        { ...target, offset: 0n, data: bytes('one two ') },
        { offset: 8n, data: bytes('three'), eof: true },
      );
      const { acceptedOffset } = await context.processes.streamStdin(again);
      ensureEqual(acceptedOffset, 13n, 'accepted_offset');
      ensureEqual(textOf(await context.eventsOf(target)), 'one two three', 'what was read');
    },
  },
  {
    id: 'STREAM-04',
    title: 'A stream is about one process: a message that names another is refused',
    clause: 'StreamStdinRequest.process_id',
    async run(context) {
      const target = await context.start(['cat'], { stdin: StdinMode.PIPE });
      const other = await context.start(['cat'], { stdin: StdinMode.PIPE });
      const messages = stream({ ...target, data: bytes('x') }, { ...other, data: bytes('y') });
      await ensureFails(
        context.processes.streamStdin(messages),
        'INVALID_ARGUMENT/INVALID_REQUEST',
        'a stream to two processes',
      );
    },
  },
];
