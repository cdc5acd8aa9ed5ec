import { isIP } from 'node:net';
import type { ChannelCredentials } from '@grpc/grpc-js';

/** What grpc-js's own connectors have; it is not in their type. */
interface Connector {
  readonly connectionOptions?: { servername?: string };
}

/**
 * Credentials that do not name the server by its IP address in the handshake of TLS, as those
 * of grpc-js do. RFC 6066, section 3, does not permit that, and Node.js 26 refuses it. Without
 * a name the certificate is checked against the address all the same: it is the host, or what
 * grpc-js checks in the place of that.
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
    if (connectionOptions !== undefined && name !== undefined && isIP(name) !== 0) {
      delete connectionOptions.servername;
    }
    return connector;
  };
  return Object.create(credentials, { _createSecureConnector: { value: create } });
}
