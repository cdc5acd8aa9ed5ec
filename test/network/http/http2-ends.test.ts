import { describe, expect, it } from 'vitest';
import { Latch } from '../../../src/latch.ts';
import { startHarness } from '../../support/harness.ts';
import { httpCall, httpFailure } from '../../support/http-request.ts';
import { startFramesUpstream } from '../../support/http2-upstream.ts';
import { trustedAuthority } from '../../support/https-upstream.ts';
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
});
