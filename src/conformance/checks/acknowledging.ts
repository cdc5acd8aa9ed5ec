import type { ProcessEvent } from '../../gen/runlet/v1/event_pb.ts';
import { Overflow, StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { ensure, ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import { type CheckContext, LONG_WAIT, type Target } from '../context.ts';
import { bytesOf, EventReader, gapsOf } from '../event-reader.ts';

/** Much less than is written, and than what may be on its way. */
const RETAINED_BYTES = 4096;

/** What a process here writes before it waits for a line. */
const WRITTEN_BYTES = 200_000;

/** A policy by which little is kept beside what was sent and not acknowledged. */
export const PAUSING = {
  output: { retainedBytes: BigInt(RETAINED_BYTES), overflow: Overflow.PAUSE },
} as const;

/** Writes, and then waits for a line. */
export const PAUSING_SCRIPT = `head -c ${WRITTEN_BYTES} /dev/zero; read line; echo done; read line`;

function startPausing(context: CheckContext): Promise<Target> {
  return context.startShell(PAUSING_SCRIPT, { ...PAUSING, stdin: StdinMode.PIPE });
}

/** Reads until all came that is written before the line. */
export async function readWritten(reader: EventReader): Promise<ProcessEvent> {
  let bytes = 0;
  const events = await reader.until((event) => {
    bytes += bytesOf([event]).byteLength;
    return bytes >= WRITTEN_BYTES;
  }, `${WRITTEN_BYTES} bytes came`);
  ensureEqual(gapsOf(events), [], 'the gaps');
  const last = events.at(-1);
  ensure(last !== undefined, 'no event came');
  return last;
}

/** What another stream is given up to an event. */
function readAgain(context: CheckContext, target: Target, seq: bigint): Promise<ProcessEvent[]> {
  return context.watch(target).until((event) => event.seq >= seq, `event ${seq} came`);
}

/** Ensures that no more is kept than shall be retained. */
export async function ensureDropped(
  context: CheckContext,
  target: Target,
  seq: bigint,
): Promise<void> {
  const again = await readAgain(context, target, seq);
  const kept = bytesOf(again).byteLength;
  ensure(kept <= RETAINED_BYTES, `${kept} bytes were kept of what was acknowledged`);
}

function watchAs(context: CheckContext, target: Target, readerId: string): EventReader {
  return new EventReader(context.processes.watchProcess({ ...target, readerId }));
}

/** Two read what is written, and acknowledge nothing; one of them ends its stream. */
async function readByOneThatLeaves(context: CheckContext, target: Target): Promise<ProcessEvent> {
  const leaves = watchAs(context, target, 'leaves');
  await readWritten(leaves);
  const stays = watchAs(context, target, 'stays');
  await leaves.leave();
  return readWritten(stays);
}

/** What a reader with `OVERFLOW_PAUSE` has a right to after its connection broke. */
export const acknowledging: readonly Check[] = [
  {
    id: 'ACK-01',
    title: 'What a stream was sent and has not acknowledged is kept for it',
    clause: 'OVERFLOW_PAUSE',
    async run(context) {
      const target = await startPausing(context);
      const { seq } = await readWritten(watchAs(context, target, 'reader'));
      const again = await readAgain(context, target, seq);
      ensureEqual(gapsOf(again), [], 'the gaps of another stream');
      ensureEqual(bytesOf(again).byteLength, WRITTEN_BYTES, 'how many bytes came again');
    },
  },
  {
    id: 'ACK-02',
    title: 'Of what a stream acknowledged no more is kept than `retained_bytes` says',
    clause: 'ProcessService.AcknowledgeOutput',
    async run(context) {
      const target = await startPausing(context);
      const { seq } = await readWritten(watchAs(context, target, 'reader'));
      await context.processes.acknowledgeOutput({ ...target, readerId: 'reader', seq });
      await ensureDropped(context, target, seq);
    },
  },
  {
    id: 'ACK-03',
    title: 'What a stream was sent lately is kept though it acknowledges nothing',
    clause: 'Limits.unacknowledged_bytes',
    async run(context) {
      const target = await startPausing(context);
      const { seq } = await readWritten(context.watch(target));
      const again = await readAgain(context, target, seq);
      ensureEqual(gapsOf(again), [], 'the gaps of another stream');
    },
  },
  {
    id: 'ACK-04',
    title: 'A poll that is repeated returns again what it returned',
    clause: 'OVERFLOW_PAUSE',
    async run(context) {
      const target = await startPausing(context);
      const request = { ...target, afterSeq: 1n, wait: LONG_WAIT };
      const { events } = await context.processes.readProcess(request);
      const { events: again } = await context.processes.readProcess(request);
      const length = bytesOf(events).byteLength;
      ensureEqual(gapsOf(again), [], 'the gaps of the second poll');
      ensure(
        length > 0 && bytesOf(again).byteLength >= length,
        'the second poll returned less than the first',
      );
    },
  },
  {
    id: 'ACK-05',
    title: 'An acknowledgment of an event that is not there yet is refused',
    clause: 'ERROR_REASON_SEQ_BEYOND_END',
    async run(context) {
      const target = await context.startShell('read line', { stdin: StdinMode.PIPE });
      const beyond = { ...target, readerId: 'reader', seq: 1000n };
      await ensureFails(
        context.processes.acknowledgeOutput(beyond),
        'OUT_OF_RANGE/SEQ_BEYOND_END',
        'AcknowledgeOutput',
      );
    },
  },
  {
    id: 'ACK-06',
    title: 'An acknowledgment for a reader that is not known changes nothing, and is no error',
    clause: 'ProcessService.AcknowledgeOutput',
    async run(context) {
      const target = await startPausing(context);
      const { seq } = await readWritten(watchAs(context, target, 'reader'));
      await context.processes.acknowledgeOutput({ ...target, readerId: 'nobody', seq });
      const again = await readAgain(context, target, seq);
      ensureEqual(gapsOf(again), [], 'the gaps of another stream');
    },
  },
  {
    id: 'ACK-07',
    title: 'A reader that broke off misses nothing that others acknowledge before it is back',
    clause: 'OVERFLOW_PAUSE',
    async run(context) {
      const target = await startPausing(context);
      const { seq } = await readByOneThatLeaves(context, target);
      await context.processes.acknowledgeOutput({ ...target, readerId: 'stays', seq });
      const again = await watchAs(context, target, 'leaves').until(
        (event) => event.seq >= seq,
        `event ${seq} came`,
      );
      ensureEqual(gapsOf(again), [], 'the gaps of the reader that is back');
      ensureEqual(bytesOf(again).byteLength, WRITTEN_BYTES, 'how many bytes came again');
    },
  },
  {
    id: 'ACK-08',
    title: 'Nothing is kept for a reader that said that it is done',
    clause: 'AcknowledgeOutputRequest.done',
    async run(context) {
      const target = await startPausing(context);
      const { seq } = await readByOneThatLeaves(context, target);
      await context.processes.acknowledgeOutput({ ...target, readerId: 'leaves', done: true });
      await context.processes.acknowledgeOutput({ ...target, readerId: 'stays', seq });
      await ensureDropped(context, target, seq);
    },
  },
];
