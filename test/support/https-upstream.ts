import { once } from 'node:events';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createSecureContext } from 'node:tls';
import { onTestFinished } from 'vitest';
import { certify, type Identity, makeAuthority } from './certificates.ts';

/** What a server of the test was asked. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  /** As they came, names and values in turn. */
  readonly rawHeaders: readonly string[];
}

/** A server of HTTP in the test, which keeps what it was asked. */
export interface Upstream {
  readonly port: number;
  readonly asked: readonly Asked[];
}

/** How one answers. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An authority, and what trusts it. */
export async function trustedAuthority(): Promise<
  Identity & { readonly httpTrust: () => ReturnType<typeof createSecureContext> }
> {
  const authority = await makeAuthority('authority of the test');
  const context = createSecureContext({ ca: authority.certificate });
  return { ...authority, httpTrust: () => context };
}

/** Serves on loopback until the test is over; over TLS where there are names to certify. */
export async function startUpstream(
  answer: Answer,
  tls?: { readonly authority: Identity; readonly hosts: readonly string[] },
): Promise<Upstream> {
  const asked: Asked[] = [];
  const handle: Answer = (request, response) => {
    const { method = '', rawHeaders, url = '' } = request;
    asked.push({ method, url, rawHeaders });
    request.resume();
    answer(request, response);
  };
  const server = tls === undefined ? createHttp(handle) : createHttps(await certified(tls), handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  return { asked, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

async function certified({
  authority,
  hosts,
}: {
  readonly authority: Identity;
  readonly hosts: readonly string[];
}) {
  const { certificate, key } = await certify('upstream', authority, {
    hosts,
    ips: ['127.0.0.1'],
  });
  return { cert: certificate, key };
}
