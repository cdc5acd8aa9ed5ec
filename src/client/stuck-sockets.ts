import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { cutWhenStuck } from '../bridge/stuck-tls.ts';

/** Credentials whose connections over TLS are cut when they are stuck: {@link cutWhenStuck}. */
export function withoutStuckSockets(credentials: ChannelCredentials): ChannelCredentials {
  const create: ChannelCredentials['_createSecureConnector'] = (...given) => {
    const connector = credentials._createSecureConnector(...given);
    const connect = connector.connect.bind(connector);
    connector.connect = async (raw) => {
      const result = await connect(raw);
      const { socket } = result;
      if (socket instanceof TLSSocket && raw instanceof Socket) cutWhenStuck(socket, raw);
      return result;
    };
    return connector;
  };
  return Object.create(credentials, { _createSecureConnector: { value: create } });
}
