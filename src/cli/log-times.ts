import type { OutputStreamName } from '../client/index.ts';
import type { EventSink } from './event-sink.ts';

const NEWLINE = 0x0a;

/** Puts before each line of output when the server saw its beginning. */
export function timedSink(sink: EventSink): EventSink {
  /** Streams in the midst of a line. */
  const inLine = new Set<OutputStreamName>();
  return (event) => {
    if (event.kind !== 'output') return sink(event);
    const { data, stream } = event;
    const time = Buffer.from(`${event.time.toISOString()} `);
    const parts: Buffer[] = [];
    for (let at = 0; at < data.length; ) {
      if (!inLine.has(stream)) parts.push(time);
      const end = data.indexOf(NEWLINE, at);
      const next = end === -1 ? data.length : end + 1;
      parts.push(data.subarray(at, next));
      if (end === -1) inLine.add(stream);
      else inLine.delete(stream);
      at = next;
    }
    return sink({ ...event, data: Buffer.concat(parts) });
  };
}
