import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CliUser, cliUser } from '../support/cli-user.ts';
import { connectTo as clientOf } from '../support/client.ts';
import { closed, connectTo, forwarding, read, readAll, startPeer } from '../support/forwarding.ts';
import { serveHere, temporaryFolder } from '../support/harness.ts';
import { startProxy } from '../support/tcp-proxy.ts';

/** More than all buffers on the way take. */
const MANY_BYTES = 32 * 1024 * 1024;

async function userHere(): Promise<CliUser> {
  const { address } = await serveHere();
  return cliUser(address);
}

describe('runlet forward', () => {
  it('carries connections to a port of the server, with ends in both orders', async () => {
    const user = await userHere();
    const peer = await startPeer();
    const silent = await startPeer((socket) => void socket.end('first'));
    const { listens } = await forwarding(
      user,
      [`0:127.0.0.1:${peer.port}`, `0:localhost:${silent.port}`],
      2,
    );
    const one = await connectTo(listens[0] ?? '');
    one.end('said');
    expect((await readAll(one)).toString()).toBe('said');
    const two = await connectTo(listens[1] ?? '');
    expect((await readAll(two)).toString()).toBe('first');
    const there = readAll(silent.sockets[0] ?? two);
    two.end('after that');
    expect((await there).toString()).toBe('after that');
  });

  it('slows who sends to what is taken, and loses nothing', async () => {
    const user = await userHere();
    const sent = randomBytes(MANY_BYTES);
    const peer = await startPeer((socket) => void socket.end(sent));
    const { listens } = await forwarding(user, [`0:127.0.0.1:${peer.port}`]);
    const socket = await connectTo(listens[0] ?? '');
    const first = await read(socket, 1);
    // Meanwhile as much goes through another connection: it is nothing else that is slow.
    expect(sent.equals(await readAll(await connectTo(listens[0] ?? '')))).toBe(true);
    // Of what nobody reads here the other side keeps a part.
    expect(peer.sockets[0]?.writableLength).toBeGreaterThan(0);
    expect(sent.equals(Buffer.concat([first, await readAll(socket)]))).toBe(true);
  });

  it('leads from sockets of the file system to others, for this user alone', async () => {
    const user = await userHere();
    const folder = await temporaryFolder();
    const [here, there] = [join(folder, 'here'), join(folder, 'there')];
    const server = createServer((socket) => void socket.end('from there')).listen(there);
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    // One that was left by a program that was killed.
    const left = createServer().listen(here);
    await once(left, 'listening');
    const forward = await forwardingOver(user, here, there, left);
    expect(forward.listens).toEqual([here]);
    expect(statSync(here).mode & 0o777).toBe(0o600);
    expect((await readAll(await connectTo(here))).toString()).toBe('from there');
    await forward.end('SIGTERM');
    expect(existsSync(here)).toBe(false);
  });

  it('resets what cannot be connected, and says why', async () => {
    const user = await userHere();
    const peer = await startPeer();
    const { listens, said } = await forwarding(
      user,
      ['0:127.0.0.1:1', `0:127.0.0.1:${peer.port}`],
      2,
    );
    const refused = await connectTo(listens[0] ?? '');
    await expect(readAll(refused)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect.poll(said).toMatch(/^runlet: 127\.0\.0\.1:1: .*\(TUNNEL_FAILED\)\n$/);
    const next = await connectTo(listens[1] ?? '');
    next.end('works');
    expect((await readAll(next)).toString()).toBe('works');
  });

  it('passes resets on, in both directions', async () => {
    const user = await userHere();
    const peer = await startPeer();
    const { listens } = await forwarding(user, [`0:127.0.0.1:${peer.port}`]);
    const ours = await connectTo(listens[0] ?? '');
    ours.write('x');
    await read(ours, 1);
    const there = peer.sockets[0];
    ours.resetAndDestroy();
    await closed(there);
    expect(there?.readableEnded).toBe(false);
    const theirs = await connectTo(listens[0] ?? '');
    theirs.write('x');
    await read(theirs, 1);
    peer.sockets[1]?.resetAndDestroy();
    await expect(readAll(theirs)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('ends at once by a signal, and leaves nothing behind', async () => {
    const { address } = await serveHere();
    const user = await cliUser(address);
    const peer = await startPeer();
    const forward = await forwarding(user, [`0:127.0.0.1:${peer.port}`]);
    const socket = await connectTo(forward.listens[0] ?? '');
    socket.write('x');
    await read(socket, 1);
    const there = closed(peer.sockets[0]);
    const reset = expect(readAll(socket)).rejects.toMatchObject({ code: 'ECONNRESET' });
    const [code, signal] = await forward.end('SIGINT');
    expect([code, signal]).toEqual([null, 'SIGINT']);
    await reset;
    await there;
    expect(await clientOf(address).sessions()).toEqual([]);
    await expect(connectTo(forward.listens[0] ?? '')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });

  it.each([[], ['--session', 'some'], ['--process', 'some']])(
    'ends by a signal where the server says nothing: %s %s',
    async (...words) => {
      const silent = await startPeer(() => {});
      const user = await cliUser({ kind: 'tcp', host: '127.0.0.1', port: silent.port });
      const child = user.spawn(['forward', ...words, '0:host:80']);
      const ended = once(child, 'close');
      await expect.poll(() => silent.sockets.length).toBeGreaterThan(0);
      // Who looks why it does not answer would connect again.
      const before = silent.sockets.length;
      child.kill('SIGINT');
      expect(await ended).toEqual([null, 'SIGINT']);
      expect(silent.sockets).toHaveLength(before);
    },
  );

  it('does not listen where somebody does, and says so', async () => {
    const user = await userHere();
    const peer = await startPeer();
    const { code, stderr } = await user.run(['forward', `${peer.port}:localhost:80`]);
    expect([code, stderr]).toEqual([
      125,
      `runlet: cannot listen at 127.0.0.1:${peer.port}: address already in use (EADDRINUSE)\n`,
    ]);
  });

  it('leaves a session that is named, and ends when that is closed', async () => {
    const { address } = await serveHere();
    const user = await cliUser(address);
    const session = await clientOf(address).session();
    const peer = await startPeer();
    const words = ['--session', session.id, `0:127.0.0.1:${peer.port}`];
    const first = await forwarding(user, words);
    await first.end('SIGTERM');
    expect((await clientOf(address).sessions()).map(({ id }) => id)).toEqual([session.id]);
    const second = await forwarding(user, words);
    const ended = once(second.child, 'close');
    const socket = await connectTo(second.listens[0] ?? '');
    socket.write('x');
    await read(socket, 1);
    await session.close();
    await expect(readAll(socket)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await ended)[0]).toBe(125);
  });
});

describe('runlet forward --reverse', () => {
  it('has what connects to the server reach what listens here', async () => {
    const user = await userHere();
    const peer = await startPeer();
    const { listens } = await forwarding(user, ['--reverse', `0:127.0.0.1:${peer.port}`]);
    const socket = await connectTo(listens[0] ?? '');
    socket.end('to here');
    expect((await readAll(socket)).toString()).toBe('to here');
  });

  it('resets what leads nowhere here, and says so', async () => {
    const user = await userHere();
    const { listens, said } = await forwarding(user, ['--reverse', '0:127.0.0.1:1']);
    const socket = await connectTo(listens[0] ?? '');
    await expect(readAll(socket)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect.poll(said).toContain('ECONNREFUSED');
  });
});

/** How the connection to the server breaks, and comes back. */
const BREAKS = ['is cut', 'is cut, and the server was started anew meanwhile'] as const;

describe.each(BREAKS)('where the connection to the server %s', (how) => {
  it.each(['forward', 'reverse'] as const)('%s goes on at its port', async (kind) => {
    const path = join(await temporaryFolder(), 'runlet.sock');
    const { address, runlet } = await serveHere({ path });
    const proxy = await startProxy(address);
    const user = await cliUser(proxy.address);
    const peer = await startPeer();
    const flags = kind === 'reverse' ? ['--reverse'] : [];
    const forward = await forwarding(user, [...flags, `0:127.0.0.1:${peer.port}`]);
    const at = forward.listens[0] ?? '';
    const socket = await connectTo(at);
    socket.write('x');
    await read(socket, 1);
    const reset = readAll(socket);

    proxy.admit(false);
    proxy.cut();
    await expect(reset).rejects.toMatchObject({ code: 'ECONNRESET' });
    if (how !== 'is cut') {
      await runlet.shutdown();
      await serveHere({ path });
    }
    // Our port is there all the time.
    const early = kind === 'forward' ? await connectTo(at) : undefined;
    proxy.admit(true);
    if (early !== undefined) {
      early.end('early');
      expect((await readAll(early)).toString()).toBe('early');
    }
    await expect
      .poll(async () => {
        const late = await connectTo(at);
        late.end('late');
        return (await readAll(late)).toString();
      })
      .toBe('late');
    expect(forward.child.exitCode).toBe(null);
  });
});

/** Begins to forward where a socket was left by a listener that ends without removing it. */
async function forwardingOver(
  user: CliUser,
  here: string,
  there: string,
  left: ReturnType<typeof createServer>,
): Promise<Awaited<ReturnType<typeof forwarding>>> {
  const { rename } = await import('node:fs/promises');
  await rename(here, `${here}.kept`);
  await new Promise((resolve) => left.close(resolve));
  await rename(`${here}.kept`, here);
  return forwarding(user, [`${here}:${there}`]);
}
