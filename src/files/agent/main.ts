/* What a thread for files runs: see ../workers/. */
import { parentPort, type TransferListItem, workerData } from 'node:worker_threads';
import { Agent, type AgentOptions } from './agent.ts';
import { Desk } from './desk.ts';
import type { AgentAnswer, AgentRequest } from './messages.ts';

const desk = new Desk(new Agent(workerData as AgentOptions));
// It can be told how long something takes from here on.
parentPort?.postMessage('ready');
parentPort?.on('message', (request: AgentRequest) => {
  const answer = desk.answer(request);
  parentPort?.postMessage(answer, handedOver(answer));
});

/** Pieces smaller than this are cloned: they may be a part of memory that others use. */
const MIN_TRANSFER_BYTES = 16 * 1024;

/** The memory of a piece of bytes, so that it need not be copied. */
function handedOver(answer: AgentAnswer): TransferListItem[] {
  if (answer.kind !== 'piece') return [];
  const { piece } = answer;
  const bytes = piece instanceof Uint8Array ? piece : bytesIn(piece);
  return bytes === undefined || bytes.buffer.byteLength < MIN_TRANSFER_BYTES
    ? []
    : [bytes.buffer as ArrayBuffer];
}

function bytesIn(piece: unknown): Uint8Array | undefined {
  if (typeof piece !== 'object' || piece === null) return undefined;
  const bytes: unknown = Reflect.get(piece, 'bytes');
  return bytes instanceof Uint8Array ? bytes : undefined;
}
