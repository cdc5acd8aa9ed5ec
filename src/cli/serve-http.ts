import { idleClock } from '../clock.ts';
import { openCredentials } from '../network/http/credentials.ts';
import { environmentProxies } from '../network/http/proxy-for.ts';
import { openTrust } from '../network/http/trust.ts';
import type { ServerLog } from '../server/server-log.ts';
import type { ServerOptions } from '../server/server-options.ts';
import type { Reloads } from './reloads.ts';
import type { NetworkServeFlags } from './serve-network-options.ts';
import { UsageError } from './usage-error.ts';

/** What HTTP requests of a server are sent with, for as long as it runs. */
export interface ServedHttp {
  readonly options: Pick<ServerOptions, 'httpCredentials' | 'httpProxies' | 'httpTrust'>;
  /** Looks at its files no more. */
  close(): void;
}

/**
 * Reads credentials, certificates and the proxies of an environment. Files are read again when they
 * change, with a line in the log.
 *
 * @throws UsageError if one cannot be taken as it is
 */
export async function serveHttp(
  flags: Pick<NetworkServeFlags, 'httpCa' | 'httpCredential' | 'httpProxy'>,
  env: Readonly<NodeJS.ProcessEnv>,
  logger: ServerLog,
  reloads: Reloads,
): Promise<ServedHttp> {
  const { httpCa: files = [], httpCredential: specs = [], httpProxy } = flags;
  const common = { clock: idleClock, log: logger };
  const credentials = await openCredentials({ ...common, specs }).catch((error: Error) => {
    throw new UsageError(`--http-credential: ${error.message}`);
  });
  const extra = env['NODE_EXTRA_CA_CERTS'] || undefined;
  const trust =
    files.length === 0
      ? undefined
      : await openTrust({ ...common, files, extra }).catch((error: Error) => {
          credentials.close();
          throw new UsageError(`--http-ca: ${error.message}`);
        });
  if (specs.length > 0) reloads.add('the credentials for HTTP', () => credentials.reload());
  if (trust !== undefined) reloads.add('the certificates for HTTP', () => trust.reload());
  const proxies = httpProxy ? environmentProxies(env) : undefined;
  // Requests that were to go through it fail: none goes past it.
  for (const problem of proxies?.problems ?? []) {
    logger.warn({ problem }, 'a variable names a proxy that cannot be used');
  }
  return {
    options: {
      httpCredentials: credentials,
      httpProxies: proxies,
      httpTrust: trust && (() => trust.current),
    },
    close() {
      credentials.close();
      trust?.close();
    },
  };
}
