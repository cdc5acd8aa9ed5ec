import type { Readable, Writable } from 'node:stream';
import { type Deferred, deferred } from '../../src/client/deferred.ts';

export type Values = Readonly<Record<string, unknown>>;

/** A message of the DevTools protocol: an answer has an id, an event a method. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Values;
  readonly result?: Values;
  readonly error?: { readonly message: string };
}

/** Calls and events of the DevTools protocol, over the pipes of `--remote-debugging-pipe`. */
export interface DevTools {
  call(method: string, params?: object, sessionId?: string): Promise<Values>;
}

/**
 * @param onEvent is called with the method and the parameters of each event.
 */
export function openDevTools(
  output: Writable,
  input: Readable,
  onEvent: (method: string, params: Values) => void,
): DevTools {
  const waiting = new Map<number, Deferred<Values>>();
  let calls = 0;
  let rest = '';

  function receive({ error, id, method, params = {}, result = {} }: Message): void {
    if (id === undefined) onEvent(method ?? '', params);
    else if (error === undefined) waiting.get(id)?.resolve(result);
    else waiting.get(id)?.reject(new Error(error.message));
    if (id !== undefined) waiting.delete(id);
  }

  input.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (rest + chunk).split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages) receive(JSON.parse(message));
  });
  input.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('the browser has ended'));
  });

  return {
    call(method, params = {}, sessionId) {
      calls += 1;
      output.write(`${JSON.stringify({ id: calls, method, params, sessionId })}\0`);
      const answer = deferred<Values>();
      waiting.set(calls, answer);
      return answer.promise;
    },
  };
}
