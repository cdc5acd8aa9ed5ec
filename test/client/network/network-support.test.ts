import { describe, expect, it } from 'vitest';
import type { RemoteSession } from '../../../src/client/index.ts';
import type { GetServerInfoResponse } from '../../../src/gen/runlet/v1/server_pb.ts';
import { connectTo, errorOf, QUICK } from '../../support/client.ts';
import { startGate } from '../../support/gate.ts';
import { startHarness } from '../../support/harness.ts';

/** A session behind a gate that answers as servers without HTTP and tunnels do. */
async function sessionOfOldServer(): Promise<{
  readonly session: RemoteSession;
  readonly methods: readonly string[];
}> {
  const { address } = await startHarness();
  const methods: string[] = [];
  const gate = await startGate(
    address,
    ({ method }) => {
      methods.push(method.replace(/.*\//, ''));
      return undefined;
    },
    {
      onAnswer(answer) {
        const { capabilities } = answer as Partial<GetServerInfoResponse>;
        if (capabilities === undefined) return;
        delete capabilities.http;
        delete capabilities.tunnels;
      },
    },
  );
  return { session: await connectTo(gate.address, QUICK).session(), methods };
}

describe('a server that knows neither HTTP nor tunnels', () => {
  it('is not asked for them, which is told', async () => {
    const { methods, session } = await sessionOfOldServer();
    const notSupported = { name: 'RunletClientError', code: 'NOT_SUPPORTED' };
    // Such a server would say that it does not know what it is asked.
    const refusals = [
      session.connect({ host: 'localhost', port: 1 }),
      session.connect({ path: '/socket' }),
      session.listen(),
      session.ports(),
    ];
    for (const refused of refusals) {
      const error = await errorOf(refused);
      expect(error).toMatchObject(notSupported);
      expect(error.message).toMatch(/has no tunnels$/);
    }
    let isLeft = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(1024);
      } finally {
        isLeft = true;
      }
    }
    const init = { method: 'POST', body: body(), duplex: 'half' } as const;
    const fetched = await errorOf(session.fetch('http://localhost:1', init));
    expect(fetched).toBeInstanceOf(TypeError);
    expect(fetched.cause).toMatchObject(notSupported);
    await expect.poll(() => isLeft).toBe(true);
    expect(methods.filter((name) => name === 'GetServerInfo').length).toBeLessThanOrEqual(2);
  });
});
