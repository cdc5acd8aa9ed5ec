import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RemoteProcess, RemoteSession, SandboxOptions } from '../../../src/client/index.ts';
import { connectTo, errorOf, QUICK } from '../../support/client.ts';
import { LAUNCHER, serveHere } from '../../support/harness.ts';
import { hasBwrap } from '../../support/needed-tools.ts';

/** Gives back what it gets, over each connection, and says where it listens. */
const ECHO = `
const server = require('net').createServer({ allowHalfOpen: true }, (s) => s.on('error', () => {}).pipe(s));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

/** A sandbox that sees all files and has a network of its own. */
const OWN_NETWORK: SandboxOptions = { rules: [{ place: 'root', access: 'read' }], network: 'none' };

const canConfine = LAUNCHER !== 'child_process' && hasBwrap();

async function startSession(): Promise<RemoteSession> {
  const { address } = await serveHere();
  return connectTo(address, QUICK).session();
}

/** Starts a process that listens, and tells where. */
async function startListening(
  session: RemoteSession,
  sandbox?: SandboxOptions,
): Promise<{ readonly process: RemoteProcess; readonly port: number }> {
  const argv = [process.execPath, '-e', ECHO];
  const started = await session.start({ argv, ...(sandbox && { sandbox }) });
  onTestFinished(() => started.kill().catch(() => {}));
  const { value } = await started.stdout[Symbol.asyncIterator]().next();
  return { process: started, port: Number(String(value)) };
}

describe('the ports of a session', () => {
  it('are told by process, and can be connected to', async () => {
    const session = await startSession();
    expect(await session.ports()).toEqual({ ports: [], truncated: false });
    const first = await startListening(session);
    const second = await startListening(session);
    const portOf = ({ port, process: { id, pid } }: typeof first) => ({
      processId: id,
      pid,
      host: '127.0.0.1',
      port,
      ownNetwork: false,
    });
    expect(await session.ports()).toEqual({
      ports: [portOf(first), portOf(second)],
      truncated: false,
    });
    const { ports } = await session.ports({ processId: second.process.id });
    expect(ports).toEqual([portOf(second)]);
    const [{ host, port }] = ports as [(typeof ports)[number]];
    const socket = await session.connect({ host, port });
    socket.end('hello');
    expect(await text(socket)).toBe('hello');
  });

  it('are not told of what is not there, nor to who gave up', async () => {
    const session = await startSession();
    const unknown = await errorOf(session.ports({ processId: 'unknown' }));
    expect(unknown).toMatchObject({ reason: 'PROCESS_NOT_FOUND' });
    const why = new Error('no longer wanted');
    expect(await errorOf(session.ports({ signal: AbortSignal.abort(why) }))).toBe(why);
  });

  it.skipIf(!canConfine)('are reached in a network of their own by their process', async () => {
    const session = await startSession();
    const { port, process: confined } = await startListening(session, OWN_NETWORK);
    const { ports } = await session.ports();
    expect(ports).toMatchObject([{ processId: confined.id, port, ownNetwork: true }]);
    const target = { host: 'localhost', port };
    const socket = await session.connect(target, { processId: confined.id });
    expect(socket.peer).toBe(`127.0.0.1:${port}`);
    socket.end('from inside');
    expect(await text(socket)).toBe('from inside');
    const outside = await errorOf(session.connect({ host: '127.0.0.1', port }));
    expect(outside).toMatchObject({ stage: 'CONNECT', errnoName: 'ECONNREFUSED' });
    await confined.kill();
    await confined.closed;
    const gone = await errorOf(session.connect(target, { processId: confined.id }));
    expect(gone).toMatchObject({ reason: 'PROCESS_EXITED' });
  });
});
