import { describe, expect, it, onTestFinished } from 'vitest';
import { allProcesses, findProcess } from '../../src/cli/find-process.ts';
import type { RunletClient, SessionOptions } from '../../src/client/index.ts';
import { connectTo } from '../support/client.ts';
import { serveHere } from '../support/harness.ts';

/** A server with a session that ends as soon as the client has found it, and one that goes on. */
async function endingAndLasting(): Promise<{ client: RunletClient; lasting: string }> {
  const { address } = await serveHere();
  const [real, other] = [connectTo(address), connectTo(address)];
  const ending = await other.session();
  const lasting = await other.session();
  for (const session of [ending, lasting]) {
    await session.start({ argv: ['/bin/sleep', '1000'] }, { id: 'build' });
  }
  // The server is killed in the end, which would leave its process behind.
  onTestFinished(() => lasting.close());
  const client: Pick<RunletClient, 'session' | 'sessions'> = {
    sessions: () => real.sessions(),
    async session(options: SessionOptions) {
      const session = await real.session(options);
      if (session.id === ending.id) await ending.close();
      return session;
    },
  };
  return { client: client as RunletClient, lasting: lasting.id };
}

describe('a session that ends while the processes of all are asked for', () => {
  it('has none, and the others are listed', async () => {
    const { client, lasting } = await endingAndLasting();
    const found = await allProcesses(client);
    expect(found.map(({ id, sessionId }) => [sessionId, id])).toEqual([[lasting, 'build']]);
  });

  it('does not keep a process from being found', async () => {
    const { client, lasting } = await endingAndLasting();
    const { processId, session } = await findProcess(client, 'unix:/none', {}, 'bui');
    expect([session.id, processId]).toEqual([lasting, 'build']);
  });
});
