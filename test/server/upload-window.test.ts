import { once } from 'node:events';
import { connect as connectHttp2, type Settings } from 'node:http2';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UPLOAD_STREAM_WINDOW_BYTES } from '../../src/limits.ts';
import { startEcho } from './echo-server.ts';

describe('the window of a stream of requests', () => {
  it('is raised with the first such call, for the whole connection', async () => {
    const { path } = await startEcho();
    const session = connectHttp2('http://localhost', { createConnection: () => connect(path) });
    onTestFinished(() => session.destroy());
    const [first] = (await once(session, 'remoteSettings')) as [Settings];
    expect(first.initialWindowSize).toBeLessThan(UPLOAD_STREAM_WINDOW_BYTES);
    session.request({
      ':method': 'POST',
      ':path': '/runlet.test.v1.EchoService/ClientStream',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const [second] = (await once(session, 'remoteSettings')) as [Settings];
    expect(second.initialWindowSize).toBe(UPLOAD_STREAM_WINDOW_BYTES);
  });
});
