import { describe, expect, it } from 'vitest';
import { contextKey } from '../../src/bridge/call-context.ts';
import type { Interceptor } from '../../src/bridge/interceptor.ts';
import { RunletError } from '../../src/errors.ts';
import { aborted, requestsOf, startEcho, textsOf } from './echo-server.ts';

const WHO = contextKey('nobody');

/** Writes down when a call comes by and how it ended. */
function passing(name: string, passed: string[]): Interceptor {
  return async (method, _, next) => {
    passed.push(`${name}: ${method.name}`);
    const outcome = await next();
    passed.push(`${name}: ${outcome.code}`);
    return outcome;
  };
}

describe('interceptors', () => {
  it('are passed by calls of every kind, the first first', async () => {
    const passed: string[] = [];
    const { client, reported } = await startEcho({}, {}, [
      passing('one', passed),
      passing('two', passed),
    ]);
    await client.unary({});
    await client.clientStream(requestsOf('a'));
    await textsOf(client.serverStream({}));
    await textsOf(client.bidiStream(requestsOf('a')));
    await reported(4);
    const kinds = ['Unary', 'ClientStream', 'ServerStream', 'BidiStream'];
    expect(passed).toEqual(
      kinds.flatMap((kind) => [`one: ${kind}`, `two: ${kind}`, 'two: 0', 'one: 0']),
    );
  });

  it('hand on what they found out', async () => {
    const identify: Interceptor = (_, context, next) => {
      context.set(WHO, context.header('name') ?? '');
      return next();
    };
    const unary = (_: unknown, context: { get(key: typeof WHO): string }) => ({
      text: context.get(WHO),
    });
    const named = await startEcho({ unary }, {}, [identify]);
    expect((await named.client.unary({}, { metadata: { name: 'somebody' } })).text).toBe(
      'somebody',
    );
    expect((await (await startEcho({ unary })).client.unary({})).text).toBe('nobody');
  });

  it('that throw keep a call from its handler, and those before see that', async () => {
    const passed: string[] = [];
    const { client, reported } = await startEcho(
      {
        unary() {
          passed.push('handler');
          return {};
        },
      },
      {},
      [passing('log', passed), () => Promise.reject(new RunletError('DRAINING'))],
    );
    await expect(client.unary({})).rejects.toMatchObject({ code: 14 });
    expect((await reported(1))[0]?.code).toBe(14);
    expect(passed).toEqual(['log: Unary', 'log: 14']);
  });

  it('see the end of a call that is cancelled, whatever its handler does', async () => {
    const { client, reported } = await startEcho({
      async *serverStream(_, { signal }) {
        yield { text: 'here' };
        await aborted(signal);
        await new Promise(() => {});
      },
    });
    const responses = client.serverStream({})[Symbol.asyncIterator]();
    await responses.next();
    await responses.return?.();
    expect((await reported(1))[0]?.code).toBe(1);
  });
});
