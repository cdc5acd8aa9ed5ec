import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { Latch } from '../../src/latch.ts';
import { connectTo, errorOf, QUICK } from '../support/client.ts';
import { startGate } from '../support/gate.ts';
import { startHarness } from '../support/harness.ts';
import { awaitRelease, PATH, release } from '../support/shell.ts';

const env = { PATH };

describe('a client behind a gateway', () => {
  it('sends the id of its session with every call that names one, and its own metadata', async () => {
    const harness = await startHarness();
    const seen = new Map<string, (string | undefined)[]>();
    const gate = await startGate(harness.address, (context) => {
      const headers = [context.header('runlet-session-id'), context.header('authorization')];
      seen.set(context.method.replace(/.*\//, ''), headers);
      return undefined;
    });
    const metadata = async (): Promise<Record<string, string>> => ({ authorization: 'Bearer 1' });
    const session = await connectTo(gate.address, { ...QUICK, metadata }).session();
    const process = await session.start({ argv: ['cat'], env, stdin: 'pipe' });
    process.stdin.end('in');
    expect(await text(process.stdout)).toBe('in');
    await session.close();
    for (const name of [
      'GetServerInfo',
      'CreateSession',
      'AttachSession',
      'StartProcess',
      'WriteStdin',
      'WatchProcess',
      'CloseSession',
    ]) {
      expect([name, seen.get(name)]).toEqual([name, [session.id, 'Bearer 1']]);
    }
  });

  it.each(['UNAUTHENTICATED', 'PERMISSION_DENIED'] as const)(
    'fails at once when its credentials are refused (%s)',
    async (refusal) => {
      const harness = await startHarness();
      const gate = await startGate(harness.address, () => refusal);
      const opening = connectTo(gate.address, QUICK).session();
      expect(await errorOf(opening)).toMatchObject({ name: 'RemoteError', status: refusal });
    },
  );

  it.each(['at a call', 'when it comes back'])(
    'loses its session when its credentials are refused %s',
    async (when) => {
      const harness = await startHarness();
      let refusing = false;
      const gate = await startGate(harness.address, () =>
        refusing ? 'UNAUTHENTICATED' : undefined,
      );
      const session = await connectTo(gate.address, QUICK).session();
      const process = await session.start({ argv: ['sleep', '1000'], env, stdin: 'pipe' });
      const waiting = errorOf(process.closed);
      refusing = true;
      if (when === 'at a call') await errorOf(session.info());
      else gate.cut();
      expect(await waiting).toMatchObject({ reason: 'credentials-refused' });
      expect(await errorOf(session.start({ argv: ['true'] }))).toMatchObject({
        name: 'SessionLostError',
        reason: 'credentials-refused',
      });
    },
  );

  it('sends a signal once at most, and says that it may have been sent', async () => {
    const harness = await startHarness();
    let signals = 0;
    const gate = await startGate(harness.address, ({ method }) => {
      if (!method.endsWith('/SignalProcess')) return undefined;
      signals += 1;
      return 'UNAVAILABLE';
    });
    const session = await connectTo(gate.address, QUICK).session();
    const process = await session.start({ argv: ['sleep', '1000'], env });
    const error = await errorOf(process.kill('SIGTERM'));
    expect(error).toMatchObject({ name: 'ConnectionError', outcomeUnknown: true });
    expect(signals).toBe(1);
    // The session goes on.
    expect((await process.info()).state).toBe('running');
  });

  it('asks again where that does no harm', async () => {
    const harness = await startHarness();
    let asked = 0;
    const gate = await startGate(harness.address, ({ method }) => {
      if (!method.endsWith('/StartProcess')) return undefined;
      asked += 1;
      return asked < 4 ? 'UNAVAILABLE' : undefined;
    });
    const session = await connectTo(gate.address, QUICK).session();
    const process = await session.start({ argv: ['echo', 'once'], env });
    expect(await text(process.stdout)).toBe('once\n');
    expect(asked).toBe(4);
  });

  it('does not ask for ever where the fault may be the server’s', async () => {
    const harness = await startHarness();
    const gate = await startGate(harness.address, ({ method }) =>
      method.endsWith('/StartProcess') ? 'INTERNAL' : undefined,
    );
    const session = await connectTo(gate.address, QUICK).session();
    const error = await errorOf(session.start({ argv: ['true'] }));
    expect(error).toMatchObject({ name: 'ConnectionError', outcomeUnknown: true });
  });

  it.each(['asks it for something', 'loses its connection'])(
    'that is closing its session and %s meanwhile has left it',
    async (what) => {
      const harness = await startHarness();
      const [closed, answer] = [new Latch(), new Latch()];
      const gate = await startGate(harness.address, () => undefined, {
        holdAnswer: async ({ method }) => {
          if (!method.endsWith('/CloseSession')) return;
          closed.open();
          await answer.wait();
        },
      });
      const session = await connectTo(gate.address, QUICK).session();
      const closing = session.close();
      await closed.wait();
      if (what === 'asks it for something') {
        expect(await errorOf(session.processes())).toMatchObject({ reason: 'left' });
        answer.open();
      } else {
        gate.cut();
      }
      await closing;
      expect(await session.lost).toMatchObject({ name: 'SessionLostError', reason: 'left' });
      answer.open();
    },
  );

  it('learns of an end that overtakes the answer to its question for the process', async () => {
    const harness = await startHarness();
    let overtake = async (): Promise<void> => {};
    const gate = await startGate(harness.address, () => undefined, {
      holdAnswer: async ({ method }) => {
        if (method.endsWith('/GetProcess')) await overtake();
      },
    });
    const session = await connectTo(gate.address, QUICK).session();
    const { id: sessionId } = session;
    const target = { sessionId, processId: 'target' };
    const argv = ['/bin/sh', '-c', awaitRelease('go')];
    await harness.processes.startProcess({ ...target, spec: { argv, env } });
    const witness = await session.start({ argv: ['cat'], env, stdin: 'pipe' });
    overtake = async () => {
      await release(harness, 'go');
      await harness.processes.waitProcess(target);
      // Told after the end of the other, so that is known to have come.
      await witness.terminate({ graceMs: 0 });
      await witness.closed;
    };
    const process = await session.process('target');
    expect(await process.closed).toMatchObject({ code: 0 });
  });
});
