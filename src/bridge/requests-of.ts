import type { Readable } from 'node:stream';

/**
 * The messages of a stream of requests, which is left as it is, however this ends. The iterator of
 * Node.js destroys a stream that has failed, also for those who only write to it: the status of a
 * call that fails while an answer goes out would never be sent.
 *
 * @throws what the stream fails with
 */
export async function* requestsOf(call: Readable): AsyncGenerator<unknown> {
  let failure: { readonly cause: unknown } | undefined;
  let wake = (): void => {};
  const look = (): void => wake();
  const fail = (cause: unknown): void => {
    failure = { cause };
    wake();
  };
  call.on('readable', look).on('end', look).on('close', look).on('error', fail);
  try {
    for (;;) {
      if (failure !== undefined) throw failure.cause;
      const message: unknown = call.destroyed ? null : call.read();
      if (message !== null) yield message;
      else if (call.readableEnded || call.destroyed) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    call.off('readable', look).off('end', look).off('close', look).off('error', fail);
  }
}
