import type { ChannelCredentials } from '@grpc/grpc-js';

/**
 * Credentials whose connections keep no program from ending. grpc-js has its connections do so
 * as long as a call is under way, and the attached stream of a session always is: what is to be
 * waited for is known to `KeepAlive` alone.
 */
export function withIdleSockets(credentials: ChannelCredentials): ChannelCredentials {
  const create: ChannelCredentials['_createSecureConnector'] = (...given) => {
    const connector = credentials._createSecureConnector(...given);
    const connect = connector.connect.bind(connector);
    connector.connect = async (tcp) => {
      const result = await connect(tcp);
      const { socket } = result;
      socket.unref();
      // Called by its HTTP/2 session for the first of several calls at a time.
      socket.ref = () => socket;
      return result;
    };
    return connector;
  };
  return Object.create(credentials, { _createSecureConnector: { value: create } });
}
