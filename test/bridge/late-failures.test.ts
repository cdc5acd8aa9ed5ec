import { describe, expect, it } from 'vitest';
import { RunletError } from '../../src/errors.ts';
import { failureOf } from '../support/failure.ts';
import { startEcho, textsOf } from './echo-server.ts';

/** More than a connection takes at a time. */
const LARGE = 'x'.repeat(4 * 1024 * 1024);

describe('a call that fails while an answer goes out', () => {
  it('tells its client so, though its next request is waited for', async () => {
    const { client } = await startEcho({
      async *bidiStream(requests, context) {
        const incoming = requests[Symbol.asyncIterator]();
        await incoming.next();
        incoming.next().catch(() => {});
        // The answer was handed on by then, and the client has not had all of it.
        setImmediate(() => context.fail(new RunletError('SESSION_CLOSED')));
        yield { text: LARGE };
      },
    });
    async function* once(): AsyncGenerator<{ text: string }> {
      yield { text: 'first' };
      await new Promise(() => {});
    }
    const failure = await failureOf(textsOf(client.bidiStream(once())));
    expect(failure.summary).toBe('NOT_FOUND/SESSION_CLOSED');
  });
});
