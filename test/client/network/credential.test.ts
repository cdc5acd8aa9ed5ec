import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseCredentialSpec } from '../../../src/network/http/credential-spec.ts';
import { openCredentials } from '../../../src/network/http/credentials.ts';
import { connectTo, errorOf, QUICK } from '../../support/client.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { serveHere, temporaryFolder } from '../../support/harness.ts';
import { startUpstream, trustedAuthority } from '../../support/https-upstream.ts';
import { keptLog } from '../../support/tls.ts';

const VALUE = 'Bearer sk-0123456789-abcdefghij-0123456789';
const HOST = 'api.example.test';

describe('the credential of a fetch', () => {
  it('is added by the server, and named here alone', async () => {
    const authority = await trustedAuthority();
    const hosts = [HOST, 'other.example.test'];
    const upstream = await startUpstream((_request, response) => response.end('let in'), {
      authority,
      hosts,
    });
    const file = join(await temporaryFolder(), 'value');
    await writeFile(file, VALUE, { mode: 0o600 });
    const { port } = upstream;
    const httpCredentials = await openCredentials({
      specs: [parseCredentialSpec(`api=${HOST}:${port},Authorization,${file}`)],
      clock: new FakeClock(),
      log: keptLog().logger,
    });
    onTestFinished(() => httpCredentials.close());
    const { address } = await serveHere({
      httpCredentials,
      httpTrust: authority.httpTrust,
      lookup: async () => ['127.0.0.1'],
    });
    const session = await connectTo(address, QUICK).session();
    const url = `https://${HOST}:${port}/`;
    const response = await session.fetch(url, { credential: 'api' });
    expect(await response.text()).toBe('let in');
    expect(upstream.asked[0]?.rawHeaders).toContain(VALUE);
    await (await session.fetch(url)).text();
    expect(upstream.asked[1]?.rawHeaders).not.toContain(VALUE);

    const elsewhere = `https://other.example.test:${port}/`;
    for (const [to, credential, reason] of [
      [elsewhere, 'api', 'EGRESS_DENIED'],
      [url, 'unknown', 'INVALID_REQUEST'],
    ] as const) {
      const error = await errorOf(session.fetch(to, { credential }));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.cause).toMatchObject({ code: 'REFUSED', reason });
    }
    expect(upstream.asked).toHaveLength(2);
  });
});
