/* What a helper for files in a sandbox runs: see ../helper/. Its standard input is a socket. */
import { closeSync } from 'node:fs';
import { Channel, type ChannelMessage } from '../helper/channel.ts';
import { loadNativeSockets } from '../helper/socket-native.ts';
import { Agent } from './agent.ts';
import { Desk } from './desk.ts';
import type { AgentAnswer, AgentRequest } from './messages.ts';

const desk = new Desk(new Agent({ roots: [] }));
/** Descriptors that tasks were given. */
const given = new Map<number, number>();
const native = loadNativeSockets();
if (native === undefined) throw new Error('the system cannot be called');

const channel = new Channel({
  native,
  socket: 0,
  onMessage(message) {
    const request = requestOf(message);
    answer(request.task, desk.answer(request));
  },
  onEnd() {
    // The server has no more use for us, or is gone: nothing is left of what was not done.
    desk.close();
    process.exit(0);
  },
});
channel.send('ready');

/** What came with a request takes the place of what it is in the server. */
function requestOf({ descriptor, value }: ChannelMessage): AgentRequest {
  const request = value as AgentRequest;
  if (descriptor === undefined) return request;
  given.set(request.task, descriptor);
  if (request.kind !== 'begin') return request;
  return { ...request, args: { ...(request.args as object), inotify: descriptor } };
}

function answer(task: number, told: AgentAnswer): void {
  const taken = given.get(task);
  if (told.kind !== 'piece' && taken !== undefined) {
    given.delete(task);
    closeSync(taken);
  }
  try {
    channel.send(told, descriptorIn(told));
  } catch (error) {
    // It is too long, or cannot be cloned: by a fault of ours.
    desk.answer({ kind: 'close', task });
    channel.send({ kind: 'error', error: String(error) });
  }
}

/** What a piece passes out. */
function descriptorIn(told: AgentAnswer): number | undefined {
  if (told.kind !== 'piece' || typeof told.piece !== 'object' || told.piece === null)
    return undefined;
  const descriptor: unknown = Reflect.get(told.piece, 'descriptor');
  return typeof descriptor === 'number' ? descriptor : undefined;
}
