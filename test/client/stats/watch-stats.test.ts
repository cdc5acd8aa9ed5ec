import { describe, expect, it } from 'vitest';
import type { Stats } from '../../../src/client/index.ts';
import { connectTo, errorOf, QUICK } from '../../support/client.ts';
import { serveHere, startHarness } from '../../support/harness.ts';
import { as, namedCallers } from '../../support/named-callers.ts';
import { startProxy } from '../../support/tcp-proxy.ts';

const OFTEN = { intervalMs: 250 };

/** Reads on until all is as it is waited for. */
async function until(
  watch: AsyncGenerator<Stats>,
  isSo: (stats: Stats) => boolean,
): Promise<Stats> {
  for (;;) {
    const { done, value } = await watch.next();
    if (done) throw new Error('it is over');
    if (isSo(value)) return value;
  }
}

describe('watchStats', () => {
  it('tells of what there is, and of what it uses', async () => {
    const { address } = await startHarness();
    const client = connectTo(address);
    const session = await client.session();
    const script = 'while :; do :; done & while :; do echo working; sleep 0.02; done';
    const process = await session.start({ argv: ['/bin/sh', '-c', script] }, { id: 'busy' });
    const watch = client.watchStats(OFTEN);
    const stats = await until(watch, ({ processes }) => {
      return processes.some(({ cpu = 0, outputRate = 0 }) => cpu > 0 && outputRate > 0);
    });
    expect(stats.processes).toMatchObject([
      { id: 'busy', sessionId: session.id, program: '/bin/sh', state: 'running' },
    ]);
    expect(stats.sessions).toContainEqual(
      expect.objectContaining({ id: session.id, attached: true, processCount: 1 }),
    );
    expect(stats.server?.cpu).toBeGreaterThan(0);
    await process.kill('SIGKILL');
    const ended = await until(watch, ({ totals }) => totals.closedProcesses === 1);
    expect(ended.processes).toMatchObject([{ state: 'closed', exitTime: expect.any(Date) }]);
    await watch.return(undefined);
  });

  it('goes on after a break, and says so', async () => {
    const { address } = await startHarness();
    const proxy = await startProxy(address);
    const said: boolean[] = [];
    const watch = connectTo(proxy.address, QUICK).watchStats({
      ...OFTEN,
      onConnectionChange: (connected) => said.push(connected),
    });
    await watch.next();
    proxy.admit(false);
    proxy.cut();
    const next = watch.next();
    await expect.poll(() => said).toEqual([false]);
    proxy.admit(true);
    expect((await next).value?.sessions).toHaveLength(1);
    expect(said).toEqual([false, true]);
    await watch.return(undefined);
  });

  it('goes on with the next server at the address', async () => {
    const first = await serveHere();
    if (first.address.kind !== 'unix') throw new Error('it is no socket');
    const watch = connectTo(first.address, QUICK).watchStats(OFTEN);
    await watch.next();
    const next = watch.next();
    await first.runlet.shutdown();
    await serveHere({ path: first.address.path });
    // What was told before the end may come first.
    await next;
    expect((await until(watch, ({ totals }) => totals.openCalls === 1)).sessions).toEqual([]);
    await watch.return(undefined);
  });

  it('fails where nobody comes back in time', async () => {
    const { address, runlet } = await startHarness();
    const watch = connectTo(address, { ...QUICK, windowMs: 0 }).watchStats(OFTEN);
    await watch.next();
    await runlet.shutdown();
    const error = await errorOf(until(watch, () => false));
    expect(error.message).toContain('the server cannot be reached');
  });

  it('ends with the client, and with its signal', async () => {
    const { address } = await startHarness();
    const client = connectTo(address);
    const over = new AbortController();
    const watch = client.watchStats({ ...OFTEN, signal: over.signal });
    await watch.next();
    const ended = errorOf(until(watch, () => false));
    over.abort(new Error('enough'));
    expect((await ended).message).toBe('enough');
    const other = client.watchStats(OFTEN);
    await other.next();
    const closed = errorOf(until(other, () => false));
    await client.close();
    expect(await closed).toMatchObject({ code: 'CLIENT_CLOSED' });
    expect(() => client.watchStats()).toThrow('the client was closed');
  });

  it('refuses what makes no sense, and says what the server refuses', async () => {
    const { address } = await serveHere({ auth: [namedCallers({ ada: {} })] });
    const client = connectTo(address, { metadata: as('ada').metadata ?? {} });
    expect(() => client.watchStats({ intervalMs: -1 })).toThrow('intervalMs');
    const denied = await errorOf(client.watchStats({ all: true }).next());
    expect(denied).toMatchObject({ reason: 'GRANT_MISSING', metadata: { grant: 'admin' } });
    const often = await errorOf(client.watchStats({ intervalMs: 1 }).next());
    expect(often).toMatchObject({ violations: [{ field: 'interval' }] });
  });
});
