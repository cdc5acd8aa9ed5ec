import type { MessageInitShape } from '@bufbuild/protobuf';
import { OutputStream } from '../../gen/runlet/v1/event_pb.ts';
import { type InteractRequestSchema, StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { Signal } from '../../gen/runlet/v1/signal_pb.ts';
import { ensure, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import { type CheckContext, specOf } from '../context.ts';
import { EventReader, exitedOf, statusOf, textOf } from '../event-reader.ts';
import { ensureDropped, PAUSING, PAUSING_SCRIPT, readWritten } from './acknowledging.ts';

type Request = NonNullable<MessageInitShape<typeof InteractRequestSchema>['request']>;

/** Both ways of a call. */
interface Interaction {
  readonly reader: EventReader;
  /** Sends a message. */
  send(request: Request): void;
  /** Ends the messages of the client. */
  end(): void;
}

function interactWith({ processes }: CheckContext, first?: Request): Interaction {
  const queue: Request[] = first === undefined ? [] : [first];
  let wake = (): void => {};
  let ended = false;
  async function* messages(): AsyncGenerator<{ request: Request }> {
    for (;;) {
      const request = queue.shift();
      if (request !== undefined) yield { request };
      else if (ended) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return {
    reader: new EventReader(processes.interact(messages())),
    send: (request) => {
      queue.push(request);
      wake();
    },
    end: () => {
      ended = true;
      wake();
    },
  };
}

function stdin(text: string, eof = false): Request {
  return { case: 'stdin', value: { data: Buffer.from(text), eof } };
}

/** The id of the check's process. */
function idIn(sessionId: string): string {
  return `of-${sessionId}`;
}

/** A start of a script in the check's session. */
function start({ sessionId }: CheckContext, script: string): Request {
  const processId = idIn(sessionId);
  const spec = specOf(['/bin/sh', '-c', script], { stdin: StdinMode.PIPE });
  return { case: 'start', value: { sessionId, processId, spec } };
}

/** For so many answers it is looked at whether a process outlives its call. */
const ANSWERS = 20;

/** `Interact`, both ways in one call. */
export const interact: readonly Check[] = [
  {
    id: 'INTERACT-01',
    title: '`Interact` starts a process, writes to it and reads from it, to its end',
    clause: 'ProcessService.Interact',
    async run(context) {
      const { reader, send } = interactWith(context, start(context, 'cat; exit 3'));
      await reader.untilKind('started');
      send(stdin('one '));
      const first = await reader.untilOutput('one ');
      send(stdin('two', true));
      const rest = await reader.rest();
      ensureEqual(textOf([...first, ...rest]), 'one two', 'what the process wrote');
      ensureEqual(statusOf(exitedOf(rest)), 'code 3', 'the end');
    },
  },
  {
    id: 'INTERACT-02',
    title: 'The first message of the server is the process, which is of the session',
    clause: 'InteractResponse.process',
    async run(context) {
      const { sessionId } = context;
      async function* messages(): AsyncGenerator<{ request: Request }> {
        yield { request: start(context, 'exec sleep 1000') };
      }
      const responses = context.processes.interact(messages())[Symbol.asyncIterator]();
      const first = (await responses.next()).value as
        | { readonly process?: { readonly processId: string }; readonly events: unknown[] }
        | undefined;
      ensureEqual(first?.process?.processId, idIn(sessionId), 'the process');
      ensureEqual(first?.events, [], 'the events in the first message');
      await context.get({ sessionId, processId: idIn(sessionId) });
      await responses.return?.();
    },
  },
  {
    id: 'INTERACT-03',
    title: '`attach` goes on with a process after the event that it names',
    clause: 'InteractRequest.attach',
    async run(context) {
      const target = await context.startShell('echo one; read line; echo "$line"', {
        stdin: StdinMode.PIPE,
      });
      const seen = await context.watch(target).untilOutput('one\n');
      const afterSeq = seen.at(-1)?.seq ?? 0n;
      const value = { ...target, afterSeq };
      const { reader, send } = interactWith(context, { case: 'attach', value });
      send(stdin('two\n'));
      const rest = await reader.rest();
      ensureEqual(textOf(rest), 'two\n', 'the output after that event');
      ensureEqual(rest[0]?.seq, afterSeq + 1n, 'the number of the first event');
    },
  },
  {
    id: 'INTERACT-04',
    title: 'The process outlives the call',
    clause: 'ProcessService.Interact',
    async run(context) {
      const { reader } = interactWith(context, start(context, 'read line; echo "$line"'));
      await reader.untilKind('started');
      await reader.leave();
      const target = { sessionId: context.sessionId, processId: idIn(context.sessionId) };
      // Time for a server that would end it to do so.
      for (let i = 0; i < ANSWERS; i++) await context.get(target);
      await context.write(target, 'alive\n');
      await context.watch(target, 1n).untilOutput('alive\n');
    },
  },
  {
    id: 'INTERACT-05',
    title: 'A signal that is sent as a message reaches the process',
    clause: 'InteractSignal',
    async run(context) {
      const { reader, send } = interactWith(context, start(context, 'exec sleep 1000'));
      await reader.untilKind('started');
      send({ case: 'signal', value: { signal: Signal.HUP } });
      const exited = exitedOf(await reader.rest());
      ensureEqual(statusOf(exited), `signal ${Signal.HUP}`, 'the end');
    },
  },
  {
    id: 'INTERACT-06',
    title: 'The end of the messages is not end-of-file',
    clause: 'ProcessService.Interact',
    async run(context) {
      const { end, reader, send } = interactWith(context, start(context, 'cat'));
      send(stdin('one '));
      end();
      await reader.untilOutput('one ');
      const target = { sessionId: context.sessionId, processId: idIn(context.sessionId) };
      await context.write(target, 'two', { eof: true });
      ensureEqual(textOf(await reader.rest()), 'two', 'what came after the end of the messages');
    },
  },
  {
    id: 'INTERACT-07',
    title: 'A write that a process does not take since its input is closed is dropped',
    clause: 'ProcessService.Interact',
    async run(context) {
      const script = 'cat > /dev/null; echo closed; exec sleep 1000';
      const { reader, send } = interactWith(context, start(context, script));
      send(stdin('x', true));
      await reader.untilOutput('closed\n');
      send(stdin('y'));
      send({ case: 'signal', value: { signal: Signal.TERM } });
      const { summary } = await outcomeOf(reader.rest());
      ensureEqual(summary, 'OK', 'the end of the call');
    },
  },
  {
    id: 'INTERACT-08',
    title: 'The first message is `start` or `attach`, and no later one',
    clause: 'InteractRequest',
    async run(context) {
      const invalid = 'INVALID_ARGUMENT/INVALID_REQUEST';
      const wrong = interactWith(context, stdin('x'));
      await ensureFails(wrong.reader.rest(), invalid, 'a call that begins with stdin');
      const first = start(context, 'exec sleep 1000');
      const { reader, send } = interactWith(context, first);
      await reader.untilKind('started');
      send(first);
      await ensureFails(reader.rest(), invalid, 'a second start');
    },
  },
  {
    id: 'INTERACT-09',
    title: 'A terminal is resized by a message',
    clause: 'InteractRequest.resize',
    needs: 'terminals',
    async run(context) {
      const { sessionId } = context;
      const spec = specOf(['/bin/sh', '-c', 'read line; stty size'], { terminal: {} });
      const value = { sessionId, processId: idIn(context.sessionId), spec };
      const { reader, send } = interactWith(context, { case: 'start', value });
      await reader.untilKind('started');
      send({ case: 'resize', value: { columns: 77, rows: 11 } });
      send(stdin('\n'));
      const output = textOf(await reader.rest(), OutputStream.TERMINAL);
      ensure(output.includes('11 77'), `it showed ${JSON.stringify(output)}`);
    },
  },
  {
    id: 'INTERACT-10',
    title: 'What was acknowledged by a message is kept no longer than `retained_bytes` says',
    clause: 'InteractRequest.acknowledge',
    async run(context) {
      const { sessionId } = context;
      const target = { sessionId, processId: idIn(sessionId) };
      const argv = ['/bin/sh', '-c', PAUSING_SCRIPT];
      const spec = specOf(argv, { ...PAUSING, stdin: StdinMode.PIPE });
      const { reader, send } = interactWith(context, { case: 'start', value: { ...target, spec } });
      const { seq } = await readWritten(reader);
      send({ case: 'acknowledge', value: { seq } });
      send(stdin('\n'));
      await reader.untilOutput('done');
      await ensureDropped(context, target, seq);
    },
  },
];
