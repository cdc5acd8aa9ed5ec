import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Reloads } from '../../../src/cli/reloads.ts';
import { serveHttp } from '../../../src/cli/serve-http.ts';
import { parseCredentialSpec } from '../../../src/network/http/credential-spec.ts';
import { startHarness, temporaryFolder } from '../../support/harness.ts';
import { keptLog } from '../../support/tls.ts';

/** What a server tells that was started with these flags and variables. */
async function told(
  flags: Parameters<typeof serveHttp>[0],
  env: Readonly<Record<string, string>> = {},
) {
  const { logger } = keptLog();
  const http = await serveHttp(flags, env, logger, new Reloads(logger));
  onTestFinished(() => http.close());
  const { server } = await startHarness(http.options);
  const { capabilities } = await server.getServerInfo({});
  return capabilities?.http;
}

describe('what a server tells of its HTTP', () => {
  it('is that there is some, without credentials and a proxy', async () => {
    const http = await told({ httpProxy: true });
    expect(http).toMatchObject({ supported: true, credentials: [], proxied: false });
    expect(http?.versions).toEqual(['1.1', '2']);
  });

  it('names its credentials in their order, and nothing else of them', async () => {
    const file = join(await temporaryFolder(), 'value');
    await writeFile(file, 'Bearer 0123456789\n', { mode: 0o600 });
    const httpCredential = ['second=b.example.test', 'first=*.example.test:8443'].map((binding) =>
      parseCredentialSpec(`${binding},authorization,${file}`),
    );
    const http = await told({ httpCredential, httpProxy: true });
    expect(http?.credentials).toEqual(['second', 'first']);
    expect(JSON.stringify(http)).not.toMatch(/example\.test|0123456789|value/);
  });

  it.each(['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'])(
    'has the proxy of %s, unless that is to be ignored',
    async (name) => {
      const env = { [name]: 'http://127.0.0.1:9', no_proxy: 'example.test' };
      expect((await told({ httpProxy: true }, env))?.proxied).toBe(true);
      expect((await told({ httpProxy: false }, env))?.proxied).toBe(false);
    },
  );

  it('has one that cannot be used, since no request goes past it', async () => {
    const http = await told({ httpProxy: true }, { https_proxy: 'socks5://127.0.0.1:9' });
    expect(http?.proxied).toBe(true);
  });
});
