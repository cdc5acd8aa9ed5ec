import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Reloads } from '../../../src/cli/reloads.ts';
import { serveHttp } from '../../../src/cli/serve-http.ts';
import { HttpStage } from '../../../src/gen/runlet/v1/error_pb.ts';
import { openTrust } from '../../../src/network/http/trust.ts';
import { type Identity, makeAuthority } from '../../support/certificates.ts';
import { failureOf } from '../../support/failure.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type Harness, startHarness, temporaryFolder } from '../../support/harness.ts';
import { httpCall, wholeAnswer } from '../../support/http-request.ts';
import { startUpstream } from '../../support/https-upstream.ts';
import { keptLog } from '../../support/tls.ts';

/** A server that an authority has certified, and that keeps no connection. */
async function upstreamOf(authority: Identity): Promise<string> {
  const { port } = await startUpstream(
    (_request, response) => response.setHeader('connection', 'close').end('there'),
    { authority, hosts: [] },
  );
  return `https://127.0.0.1:${port}/`;
}

/** `200`, or at which stage a request failed, with the code. */
async function ask(harness: Harness, url: string): Promise<string> {
  const answered = wholeAnswer(httpCall(harness, { url })).then(({ status }) => `${status}`);
  const settled = await answered.catch(() => undefined);
  if (settled !== undefined) return settled;
  const { httpFailure } = await failureOf(answered);
  return `${HttpStage[httpFailure?.stage ?? 0]} ${httpFailure?.code}`;
}

const UNKNOWN = 'TLS UNABLE_TO_VERIFY_LEAF_SIGNATURE';

async function put(file: string, ...identities: readonly Identity[]): Promise<void> {
  const text = Buffer.concat(identities.map(({ certificate }) => certificate));
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** A file with an authority, a server that trusts it, and what another authority has certified. */
async function start() {
  const [one, two] = [await makeAuthority('one'), await makeAuthority('two')];
  const file = join(await temporaryFolder(), 'ca.pem');
  await put(file, one);
  const clock = new FakeClock();
  const log = keptLog();
  const trust = await openTrust({ files: [file], clock, log: log.logger });
  onTestFinished(() => trust.close());
  const harness = await startHarness({ httpTrust: () => trust.current });
  const urls = [await upstreamOf(one), await upstreamOf(two)] as const;
  /** How requests to both end. */
  const both = async () => [await ask(harness, urls[0]), await ask(harness, urls[1])];
  /** Has the file looked at until something is so. */
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) {
      clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { both, file, log, one, trust, two, until };
}

describe('the certificates that HTTP trusts', () => {
  it('are read again when their file changes, for the next connection', async () => {
    const { both, file, one, trust, two, until } = await start();
    expect(await both()).toEqual(['200', UNKNOWN]);
    const first = trust.current;
    await put(file, one, two);
    await until(() => trust.current !== first);
    expect(await both()).toEqual(['200', '200']);
    const second = trust.current;
    await put(file, two);
    await until(() => trust.current !== second);
    expect(await both()).toEqual([UNKNOWN, '200']);
  });

  it.each([
    ['has none', 'nothing of the kind\n', 0o600],
    [
      'has one that is broken',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      0o600,
    ],
    ['can be written by others', '', 0o666],
  ])('stay as they were while the file %s', async (_, text, mode) => {
    const { both, file, log, trust, until } = await start();
    const before = trust.current;
    await writeFile(`${file}.new`, text);
    await chmod(`${file}.new`, mode);
    await rename(`${file}.new`, file);
    await until(() => log.lines.some(({ problem }) => problem !== undefined));
    expect(trust.current).toBe(before);
    expect(await both()).toEqual(['200', UNKNOWN]);
  });

  it('are those of --http-ca, and of NODE_EXTRA_CA_CERTS with it', async () => {
    const folder = await temporaryFolder();
    const [one, two] = [await makeAuthority('one'), await makeAuthority('two')];
    const [file, extra] = [join(folder, 'ca.pem'), join(folder, 'extra.pem')];
    await put(file, one);
    await put(extra, two);
    const env = { NODE_EXTRA_CA_CERTS: extra };
    const { logger } = keptLog();
    const flags = { httpCa: [file], httpProxy: true };
    const http = await serveHttp(flags, env, logger, new Reloads(logger));
    onTestFinished(() => http.close());
    const harness = await startHarness(http.options);
    expect(await ask(harness, await upstreamOf(one))).toBe('200');
    expect(await ask(harness, await upstreamOf(two))).toBe('200');
    const other = await startHarness();
    expect(await ask(other, await upstreamOf(one))).toBe(UNKNOWN);
  });
});
