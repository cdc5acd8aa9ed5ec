// @ts-check
import { built } from '../lib/built.mjs';
import { connect, processesOf } from '../lib/runlet-client.mjs';
import { ENVIRONMENT } from './executor.mjs';

/** @import { ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts' */
/** @import { MessageInitShape } from '@bufbuild/protobuf' */
/** @import { Executor, Order, Remote } from './executor.mjs' */
/** @import { InteractRequestSchema } from '../../src/gen/runlet/v1/process_pb.ts' */

/** @typedef {MessageInitShape<typeof InteractRequestSchema>} InteractRequest */
/** @typedef {NonNullable<InteractRequest['request']>} Request */

/** @type {typeof import('../../src/gen/runlet/v1/process_pb.ts')} */
const { StdinMode } = await built('gen/runlet/v1/process_pb.js');
/** @type {typeof import('../../src/gen/runlet/v1/session_pb.ts')} */
const { SessionService } = await built('gen/runlet/v1/session_pb.js');
/** @type {typeof import('../../src/gen/runlet/v1/signal_pb.ts')} */
const { Signal } = await built('gen/runlet/v1/signal_pb.js');
/** @type {typeof import('../../src/bridge/create-client.ts')} */
const { createClient } = await built('bridge/create-client.js');

/**
 * runlet, by its own client: a process that is not written to by one call of `Run`, one
 * that is by a call of `Interact`.
 *
 * @param {string} address the path of a Unix socket
 * @returns {Promise<Executor>}
 */
export async function openRunlet(address) {
  const connection = connect(address);
  const processes = processesOf(connection);
  const sessions = createClient(SessionService, connection);
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  return {
    start: ({ argv, stdin, onOutput = () => {} }) => {
      const spec = {
        argv: [...argv],
        env: ENVIRONMENT,
        cwd: '/',
        stdin: stdin ? StdinMode.PIPE : StdinMode.CLOSED,
      };
      if (!stdin) {
        const call = new AbortController();
        const responses = processes.run({ spec }, { signal: call.signal });
        return { closed: readAll(responses, onOutput), write: refuse, kill: () => call.abort() };
      }
      const messages = makeQueue();
      const put = (/** @type {Request} */ request) => messages.put({ request });
      void put({ case: 'start', value: { sessionId, spec } });
      return {
        closed: readAll(processes.interact(messages.all), onOutput),
        write: (data) => put({ case: 'stdin', value: { data } }),
        kill: () => void put({ case: 'signal', value: { signal: Signal.KILL } }),
      };
    },
    close: () => connection.close(),
  };
}

/**
 * Reads the events of a process to the last.
 *
 * @param {AsyncIterable<{ events: ProcessEvent[] }>} responses
 * @param {NonNullable<Order['onOutput']>} onOutput
 */
async function readAll(responses, onOutput) {
  for await (const { events } of responses) {
    for (const { event } of events) {
      if (event.case === 'output') onOutput(event.value.data.byteLength);
      if (event.case === 'exited' && event.value.status?.status.value !== 0) {
        throw new Error(`it ended with ${event.value.status?.status.value}`);
      }
    }
  }
}

/** @type {Remote['write']} */
async function refuse() {
  throw new Error('it was not started to be written to');
}

/**
 * What is put in comes out in order; putting resolves when it is taken.
 *
 * @returns {{ put: (message: InteractRequest) => Promise<void>, all: AsyncIterable<InteractRequest> }}
 */
function makeQueue() {
  /** @type {{ message: InteractRequest, taken: () => void }[]} */
  const waiting = [];
  let wake = () => {};
  async function* take() {
    for (;;) {
      const first = waiting.shift();
      if (first === undefined) {
        await new Promise((resolve) => {
          wake = () => resolve(undefined);
        });
      } else {
        yield first.message;
        first.taken();
      }
    }
  }
  return {
    put: (message) =>
      new Promise((resolve) => {
        waiting.push({ message, taken: () => resolve() });
        wake();
      }),
    all: take(),
  };
}
