import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { connect as connectHttp2, constants, type OutgoingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { spawnCli } from '../support/cli.ts';
import { firstLineOf } from '../support/first-line.ts';
import { temporaryFolder } from '../support/harness.ts';

/** Serves with a standard error, until the test is over. */
async function serveInto(stderr: number | 'pipe'): Promise<{ child: ChildProcess; path: string }> {
  const path = join(await temporaryFolder(), 'socket');
  const flags = ['--listen', `unix:${path}`, '--output-disk', '0', '--log-level', 'debug'];
  const child = spawnCli(['serve', ...flags], { stdio: ['ignore', 'pipe', stderr] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await firstLineOf(child);
  return { child, path };
}

/** Calls the server with a header that grpc-js takes for wrong; resolves with what it answers. */
async function callWithBadHeader(path: string): Promise<unknown> {
  const session = connectHttp2('http://localhost', { createConnection: () => connect(path) });
  const headers: OutgoingHttpHeaders = {
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: '/runlet.v1.ServerService/GetServerInfo',
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [constants.HTTP2_HEADER_TE]: 'trailers',
    authorization: 'Bearer s3cr3t-t\xf6ken',
  };
  const call = session.request(headers);
  call.end(Buffer.alloc(5)).resume();
  // Without a status if the server is gone.
  let status: unknown;
  call.on('trailers', (trailers) => {
    status = trailers['grpc-status'];
  });
  session.on('error', () => {});
  call.on('error', () => {});
  await once(call, 'close');
  session.destroy();
  return status;
}

async function endsInOrder(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
}

describe('the log of a server', () => {
  it('is JSON, and has no value of a header', async () => {
    const { child, path } = await serveInto('pipe');
    const written = child.stderr === null ? '' : text(child.stderr);
    expect(await callWithBadHeader(path)).toBe('0');
    await endsInOrder(child);
    const lines = (await written).trimEnd().split('\n');
    const texts = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(texts).toContain('the header authorization is left out: not ASCII');
    expect(lines.join()).not.toContain('s3cr3t');
  });

  it('whose disk is full ends nothing', async () => {
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    const { child, path } = await serveInto(full);
    expect(await callWithBadHeader(path)).toBe('0');
    expect(await callWithBadHeader(path)).toBe('0');
    await endsInOrder(child);
  });

  it('whose reader is gone ends nothing', async () => {
    const { child, path } = await serveInto('pipe');
    child.stderr?.destroy();
    for (let calls = 0; calls < 3; calls++) expect(await callWithBadHeader(path)).toBe('0');
    await endsInOrder(child);
  });
});
