import { finished } from 'node:stream/promises';
import { credentials, Metadata, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isCallError } from '../../src/client/call-error.ts';
import { callFailure } from '../../src/client/call-failure.ts';
import { StdinWritable } from '../../src/client/stdin-writable.ts';
import { certify, makeAuthority } from '../support/certificates.ts';
import { connectTo, errorOf, QUICK } from '../support/client.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { startGate } from '../support/gate.ts';
import { startHarness } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';

const env = { PATH };
const argv = ['true'];

function failedWith(code: status, details: string): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata: new Metadata() });
}

describe('what can never succeed', () => {
  it('is refused by the name of what is wrong, and the connection is as it was', async () => {
    const harness = await startHarness();
    const changes: boolean[] = [];
    const onConnectionChange = (connected: boolean): void => void changes.push(connected);
    const client = connectTo(harness.address, { ...QUICK, onConnectionChange });
    const session = await client.session();
    const process = await session.start({ argv: ['sleep', '1000'], env });
    const wrong: readonly [string, () => Promise<unknown>][] = [
      ['columns', () => process.resize({ columns: 80.5, rows: 24 })],
      ['rows', () => process.resize({ columns: 80, rows: Number.NaN })],
      ['columns', () => session.start({ argv, terminal: { columns: -1 } })],
      ['retainedBytes', () => session.start({ argv, retainedBytes: 0.5 })],
      ['timeoutMs', () => session.start({ argv, timeoutMs: -5 })],
      ['drainTimeoutMs', () => session.start({ argv, drainTimeoutMs: Number.NaN })],
      ['retentionMs', () => session.start({ argv, retentionMs: Number.POSITIVE_INFINITY })],
      ['limits.openFiles', () => session.start({ argv, limits: { openFiles: 1.5 } })],
      ['graceMs', () => process.terminate({ graceMs: -1 })],
      ['after', () => process.events({ after: -1 }).next()],
      ['detachedTtlMs', () => client.session({ detachedTtlMs: Number.NaN })],
    ];
    for (const [name, call] of wrong) {
      const error = await errorOf(call());
      expect([error.name, error.message]).toEqual(['OptionError', expect.stringContaining(name)]);
    }
    // For ever is as long as the server allows.
    const { maxDetachedTtlMs } = (await client.info()).limits;
    const lasting = await client.session({ detachedTtlMs: Number.POSITIVE_INFINITY });
    expect((await lasting.info()).detachedTtlMs).toBe(maxDetachedTtlMs);
    // What the types do not allow fails in the same way.
    await errorOf(session.start({ argv: [1 as unknown as string], env }));
    expect((await process.info()).state).toBe('running');
    expect(changes).toEqual([]);
  });

  it.each([
    [failedWith(status.UNKNOWN, 'Received HTTP status code 413'), 'refused'],
    [failedWith(status.INTERNAL, 'Received HTTP status code 400'), 'refused'],
    [failedWith(status.UNIMPLEMENTED, 'Received HTTP status code 404'), 'refused'],
    [failedWith(status.UNAVAILABLE, 'Received HTTP status code 429'), 'connection'],
    [failedWith(status.UNAVAILABLE, 'Received HTTP status code 503'), 'connection'],
    [failedWith(status.UNKNOWN, 'Received HTTP status code 500'), 'connection'],
    [
      failedWith(
        status.UNAVAILABLE,
        'No connection established. Last error: certificate has expired',
      ),
      'unreachable',
    ],
    [
      failedWith(status.UNAVAILABLE, 'No connection established. Last error: ECONNREFUSED'),
      'connection',
    ],
  ])('is told from a connection that broke: %s', (error, kind) => {
    expect(callFailure(error).kind).toBe(kind);
  });

  it('is thrown where it cannot be encoded, and is no failure of a call', async () => {
    const { processes, sessionId } = await startHarness();
    const size = { columns: 80.5, rows: 24 };
    const error = await errorOf(processes.resizeTerminal({ sessionId, processId: 'p', size }));
    expect(error.message).toContain('columns');
    expect(isCallError(error)).toBe(false);
  });

  it('says what a proxy means that refuses a large start', () => {
    const failure = callFailure(failedWith(status.UNKNOWN, 'Received HTTP status code 413'));
    const text = 'a proxy on the way takes no request of this size: Received HTTP status code 413';
    expect(failure.error.message).toBe(text);
  });

  it('fails at once where a certificate is refused', async () => {
    const authority = await makeAuthority('authority');
    const { certificate, key } = await certify('server', authority);
    const pair = { private_key: key, cert_chain: certificate };
    const { address } = await startHarness();
    const gate = await startGate(address, () => undefined, {
      credentials: ServerCredentials.createSsl(null, [pair]),
    });
    // With as much time to connect as a test never has.
    const error = await errorOf(
      connectTo(gate.address, { credentials: credentials.createSsl() }).session(),
    );
    expect(error).toMatchObject({ name: 'ConnectionError', outcomeUnknown: false });
    expect(error.message).toMatch(/certificate/);
  });
});

describe('what a client sends', () => {
  it('passes no proxy of the environment to this very machine', async () => {
    const harness = await startHarness();
    const { address } = await startFaultProxy(harness.address, () => undefined);
    const before = process.env['http_proxy'];
    onTestFinished(() => {
      if (before === undefined) delete process.env['http_proxy'];
      else process.env['http_proxy'] = before;
    });
    process.env['http_proxy'] = 'http://127.0.0.1:1';
    const client = connectTo(address, { ...QUICK, connectTimeoutMs: 0 });
    expect((await client.info()).version).not.toBe('');
  });

  it('has less than 512 KiB in each message', async () => {
    const sizes: number[] = [];
    const stdin = new StdinWritable(
      {
        write: async ({ data }) => void sizes.push(data.byteLength),
        acceptedOffset: async () => 0n,
      },
      0n,
    );
    stdin.end(Buffer.alloc(3 * 1024 * 1024));
    await finished(stdin);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(3 * 1024 * 1024);
    expect(Math.max(...sizes)).toBeLessThan(512 * 1024 - 512);
  });
});
