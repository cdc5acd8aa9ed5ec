import { OutputStream, type ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';

/** A process's events, in a short form that is easy to compare. */
export function summarize(events: readonly ProcessEvent[]): readonly string[] {
  return events.map(({ event }) => {
    switch (event.case) {
      case 'output':
        return `${OutputStream[event.value.stream]?.toLowerCase()}@${event.value.offset} ${JSON.stringify(
          Buffer.from(event.value.data).toString(),
        )}`;
      case 'gap':
        return `gap ${event.value.ranges.map((r) => `${OutputStream[r.stream]?.toLowerCase()} ${r.offset}+${r.length}`).join(', ')}`;
      case 'exited': {
        const { reason, status } = event.value;
        return `exited ${status?.status.case} ${status?.status.value} reason ${reason}`;
      }
      case 'closed':
        return `closed ${event.value.outputComplete}`;
      default:
        return String(event.case);
    }
  });
}

/** All bytes of one stream, in the order of the events. */
export function outputOf(events: readonly ProcessEvent[], stream = OutputStream.STDOUT): Buffer {
  return Buffer.concat(
    events.flatMap(({ event }) =>
      event.case === 'output' && event.value.stream === stream ? [event.value.data] : [],
    ),
  );
}

/** The `seq` of every event. */
export function seqsOf(events: readonly ProcessEvent[]): readonly number[] {
  return events.map(({ seq }) => Number(seq));
}

/** All events of a stream of responses, to its end. */
export async function collect(
  responses: AsyncIterable<{ readonly events: readonly ProcessEvent[] }>,
): Promise<ProcessEvent[]> {
  const events: ProcessEvent[] = [];
  for await (const response of responses) events.push(...response.events);
  return events;
}

/** Reads a stream of responses until an event is of a kind; the rest of the stream stays to be read. */
export async function readUntil(
  responses: AsyncIterator<{ readonly events: readonly ProcessEvent[] }>,
  isLast: (event: ProcessEvent) => boolean,
): Promise<ProcessEvent[]> {
  const events: ProcessEvent[] = [];
  for (;;) {
    const { done, value } = await responses.next();
    if (done) return events;
    events.push(...value.events);
    if (value.events.some(isLast)) return events;
  }
}

/** Whether an event is standard output. A shell may say on standard error that a child was killed. */
export function isStdout({ event }: ProcessEvent): boolean {
  return event.case === 'output' && event.value.stream === OutputStream.STDOUT;
}
