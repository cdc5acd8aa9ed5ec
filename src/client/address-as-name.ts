import { isIP } from 'node:net';
import type { ChannelCredentials } from '@grpc/grpc-js';

/** What grpc-js's own connectors have; it is not in their type. */
interface Connector {
  readonly connectionOptions?: { servername?: string; readonly host?: string };
}

/**
 * Credentials that do not name the server by its IP address in the handshake of TLS, as those
 * of grpc-js do. RFC 6066, section 3, does not permit that, and Node.js 26 refuses it. Without
 * a name Node.js checks the certificate against the host, which is the address, as before.
 */
export function withoutAddressAsName(credentials: ChannelCredentials): ChannelCredentials {
  const create: ChannelCredentials['_createSecureConnector'] = (
    target,
    options,
    callCredentials,
  ) => {
    const connector = credentials._createSecureConnector(target, options, callCredentials);
    const { connectionOptions } = connector as Connector;
    const name = connectionOptions?.servername;
    if (name !== undefined && isIP(name) !== 0 && name === connectionOptions?.host) {
      delete connectionOptions.servername;
    }
    return connector;
  };
  return Object.create(credentials, { _createSecureConnector: { value: create } });
}
