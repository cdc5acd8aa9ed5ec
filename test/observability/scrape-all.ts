import { join } from 'node:path';
import { certify, makeAuthority } from '../support/certificates.ts';
import { collect } from '../support/events.ts';
import { parseExposition } from '../support/exposition.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import { pairOf, tlsFolder } from '../support/tls.ts';

/** What a server tells. */
export interface ScrapedAll {
  /** As plain text. */
  readonly text: string;
  /** Names and labels, as OpenMetrics has them, which Prometheus asks for. */
  readonly keys: readonly string[];
}

/**
 * Scrapes a server that has all that something is told of: a certificate, an audit, files of output;
 * and behind it a start, a refusal and a denial.
 */
export async function scrapeAll(): Promise<ScrapedAll> {
  const { files } = await tlsFolder(pairOf(await certify('server', await makeAuthority('all'))));
  const served = await serve(
    ...['--metrics', '127.0.0.1:0', '--audit', join(await temporaryFolder(), 'audit.jsonl')],
    ...['--listen', '127.0.0.1:0', '--auth', 'none', '--max-sessions', '1'],
    ...['--tls-cert', files.cert, '--tls-key', files.key],
  );
  const { processes, sessions } = connectClients(served.address);
  await sessions.createSession({});
  await failureOf(sessions.createSession({}));
  await collect(processes.run({ spec: { argv: ['true'] } }));
  const read = async (accept: string): Promise<string> =>
    (await fetch(`${served.metrics}/metrics`, { headers: { accept } })).text();
  // A client has its answer before the call is over.
  for (;;) {
    const open = parseExposition(await read('application/openmetrics-text'), 'openmetrics');
    const families = [...open.values()];
    const keys = families.flatMap(({ samples }) => [...samples.keys()]);
    const has = (part: string): boolean => keys.some((key) => key.startsWith(part));
    if (has('runlet_refusals_total{') && has('runlet_start_duration_seconds_bucket{')) {
      return { text: await read('text/plain'), keys };
    }
  }
}
