import type { ProcessEvent, RemoteProcess } from '../client/index.ts';

/** Events that are asked for at first, and how many more each time that these are too few. */
const FIRST_EVENTS = 256;
const GROWTH = 8;

/** Bytes of output of an event. */
const sizeOf = (event: ProcessEvent): number =>
  event.kind === 'output' ? event.data.byteLength : 0;

/**
 * The events of a process from a moment ago: those that have the latest output up to the
 * event `lastSeq`, at most `maxBytes` of it but at least one whole event, and all that follow.
 * Nothing is missing or doubled in between, since both are read in one.
 */
export async function* replayAndFollow(
  process: RemoteProcess,
  lastSeq: number,
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<ProcessEvent> {
  // How many events have so many bytes is not known: more are asked for until they do.
  for (let events = FIRST_EVENTS; ; events *= GROWTH) {
    const after = Math.max(0, lastSeq - events);
    const source = process.events({ after, signal });
    const past: ProcessEvent[] = [];
    let bytes = 0;
    let dropped = false;
    let seq = after;
    while (seq < lastSeq) {
      const { done, value } = await source.next();
      if (done) break;
      past.push(value);
      bytes += sizeOf(value);
      seq = value.seq;
      for (let [first] = past; first && past.length > 1 && bytes > maxBytes; [first] = past) {
        past.shift();
        bytes -= sizeOf(first);
        dropped = true;
      }
    }
    if (!dropped && after > 0) {
      await source.return(undefined);
      continue;
    }
    yield* past;
    yield* source;
    return;
  }
}
