import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CallOptions } from '../../src/bridge/types.ts';
import type {
  InteractRequestSchema,
  InteractResponse,
} from '../../src/gen/runlet/v1/process_pb.ts';
import { readUntil } from './events.ts';
import type { Clients } from './harness.ts';

type Message = NonNullable<MessageInitShape<typeof InteractRequestSchema>['request']>;

/** One interaction: what is sent as the test goes on, and what comes back. */
export function interact({ processes }: Pick<Clients, 'processes'>, options: CallOptions = {}) {
  const queue: (Message | undefined)[] = [];
  let wake = (): void => {};
  async function* requests(): AsyncGenerator<MessageInitShape<typeof InteractRequestSchema>> {
    for (;;) {
      while (queue.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const request = queue.shift();
      if (request === undefined) return;
      yield { request };
    }
  }
  const abort = new AbortController();
  const responses = processes
    .interact(requests(), { ...options, signal: abort.signal })
    [Symbol.asyncIterator]() as AsyncIterator<InteractResponse>;
  return {
    responses,
    abort: () => abort.abort(),
    send(request: Message | undefined): void {
      queue.push(request);
      wake();
    },
    write(text: string, eof = false): void {
      this.send({ case: 'stdin', value: { data: Buffer.from(text), eof } });
    },
    closed: () => readUntil(responses, ({ event }) => event.case === 'closed'),
  };
}
