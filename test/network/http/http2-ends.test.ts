import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Latch } from '../../../src/latch.ts';
import { startHarness } from '../../support/harness.ts';
import { httpCall, httpFailure } from '../../support/http-request.ts';
import { startFramesUpstream } from '../../support/http2-upstream.ts';
import { trustedAuthority } from '../../support/https-upstream.ts';
import { listenHere } from '../../support/peers.ts';
import { FRAME, frame, number32 } from '../../support/raw-http2.ts';

/** `GOAWAY` without an error, which says that the first stream was looked at. */
const GO_AWAY = frame(FRAME.goaway, { payload: Buffer.concat([number32(1), number32(0)]) });

describe('a connection of HTTP/2 that ends while the request is sent', () => {
  it.each([
    ['says nothing', false],
    ['goes away first', true],
  ])('and %s has it fail there', async (_how, saysSo) => {
    const { httpTrust, ...authority } = await trustedAuthority();
    const harness = await startHarness({ httpTrust });
    const upstream = await startFramesUpstream(authority, async ({ frameOf, socket }) => {
      await frameOf(FRAME.data);
      if (saysSo) await new Promise((resolve) => socket.write(GO_AWAY, resolve));
      socket.end();
    });
    const over = new Latch();
    async function* pieces(): AsyncGenerator<string> {
      yield 'some';
      await over.wait();
    }
    const call = httpCall(harness, { method: 'PUT', url: upstream.origin }, pieces());
    expect(await httpFailure(call)).toMatch(/^HTTP_FAILED REQUEST [A-Z0-9_]+$/);
    expect(upstream.connections).toHaveLength(1);
    over.open();
  });

  it('and is reset has it fail there', async () => {
    const { httpTrust, ...authority } = await trustedAuthority();
    const harness = await startHarness({ httpTrust });
    const upstream = await startFramesUpstream(authority, async ({ frameOf }) => {
      await frameOf(FRAME.data);
      for (const socket of carried) socket.resetAndDestroy();
    });
    // What the upstream has is TLS, which cannot be reset: what carries it can.
    const carried: Socket[] = [];
    const front = createServer((socket) => {
      carried.push(socket);
      const behind = connect(Number(new URL(upstream.origin).port), '127.0.0.1');
      socket.on('error', () => {}).pipe(behind);
      behind.on('error', () => {}).pipe(socket);
      socket.once('close', () => behind.destroy());
    });
    const url = new URL(upstream.origin);
    url.port = String((await listenHere(front)).port);
    const over = new Latch();
    async function* pieces(): AsyncGenerator<string> {
      yield 'some';
      await over.wait();
    }
    const call = httpCall(harness, { method: 'PUT', url: url.origin }, pieces());
    expect(await httpFailure(call)).toMatch(/^HTTP_FAILED REQUEST [A-Z0-9_]+$/);
    over.open();
  });
});
