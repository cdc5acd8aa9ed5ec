import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { blackHole } from '../support/black-hole.ts';
import { cliUser } from '../support/cli-user.ts';
import { connectTo, forwarding, readAll, startPeer } from '../support/forwarding.ts';
import { serveHere } from '../support/harness.ts';

/** Connections of this machine to a port that are being made: `TCP_SYN_SENT` of tcp_states.h. */
function dialsTo(port: number): number {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote = '', state]) => remote.endsWith(ending) && state === '02').length;
}

/** The ways to have a connection dialed: flags, and what a client says for it. */
const WAYS: Readonly<
  Record<string, (port: number) => readonly [words: readonly string[], said: string | Buffer]>
> = {
  'a forward': (port) => [[`0:127.0.0.1:${port}`], 'said early'],
  'SOCKS 5': (port) => [
    ['--socks', '0'],
    Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]),
  ],
  'SOCKS 4': (port) => [
    ['--socks', '0'],
    Buffer.from([4, 1, port >> 8, port & 255, 127, 0, 0, 1, 0]),
  ],
  CONNECT: (port) => [
    ['--http-proxy', '0'],
    `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nhost: x\r\n\r\n`,
  ],
  'plain HTTP': (port) => [
    ['--http-proxy', '0'],
    `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nhost: x\r\n\r\n`,
  ],
};

it.each(Object.keys(WAYS))('gives up what it dials for a client that is gone: %s', async (way) => {
  const user = await cliUser((await serveHere()).address);
  const port = await blackHole();
  const peer = await startPeer();
  const [words, early] = WAYS[way]?.(port) ?? [[], ''];
  const forward = await forwarding(user, [`0:127.0.0.1:${peer.port}`, ...words], 2);
  const socket = await connectTo(forward.listens[1] ?? '');
  socket.on('error', () => {});
  socket.write(early);
  await expect.poll(() => dialsTo(port)).toBe(1);
  socket.resetAndDestroy();
  await expect.poll(() => dialsTo(port)).toBe(0);
  // Had it run out of time, that would have come before this, and been told.
  const later = await connectTo(forward.listens[0] ?? '');
  later.end('later');
  expect((await readAll(later)).toString()).toBe('later');
  await forward.end('SIGTERM');
  expect(forward.said()).toBe('');
});
