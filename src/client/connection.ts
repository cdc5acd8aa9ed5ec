import { Client, credentials } from '@grpc/grpc-js';
import { type Address, formatAddress } from '../address.ts';

/** Bytes that the server may send ahead on one stream: 1.7 times the throughput of the default. */
const FLOW_CONTROL_WINDOW = 4 * 1024 * 1024;

/** Opens a connection to a server; it is made with the first call. Close it in the end. */
export function openConnection(address: Address): Client {
  return new Client(formatAddress(address), credentials.createInsecure(), {
    'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW,
    'grpc.max_receive_message_length': -1,
    'grpc.enable_channelz': 0,
    // Two servers must not share a connection pool only because a port was used again.
    'grpc.use_local_subchannel_pool': 1,
  });
}
