import { EncodedMessage } from '../../../bridge/encoded-message.ts';
import type { Response } from '../../../bridge/types.ts';
import { ConnectResponseSchema, TunnelEnd } from '../../../gen/runlet/v1/tunnel_pb.ts';
import type { TunnelMessage } from '../../../network/tunnels/tunnel-message.ts';

/** `data` of `ConnectResponse`, with its wire type. */
const RESPONSE_DATA = 0x12;

const ENDS = { closed: TunnelEnd.CLOSED, reset: TunnelEnd.RESET } as const;

/** A message of a connection as the protos have it. Bytes are copied once, to where they go out. */
export function connectMessage(message: TunnelMessage): Response<typeof ConnectResponseSchema> {
  switch (message.kind) {
    case 'data':
      return new EncodedMessage(ConnectResponseSchema, encodeData(message.data));
    case 'opened':
      return { response: { case: 'opened', value: { peer: message.peer } } };
    case 'eof':
      return { response: { case: 'eof', value: {} } };
    case 'end': {
      const { how, receivedBytes, sentBytes } = message;
      const counts = { sentBytes: BigInt(sentBytes), receivedBytes: BigInt(receivedBytes) };
      return { response: { case: 'end', value: { kind: ENDS[how], ...counts } } };
    }
  }
}

function encodeData(data: Uint8Array): Buffer {
  const length = varint(data.byteLength);
  const message = Buffer.allocUnsafe(1 + length.length + data.byteLength);
  message[0] = RESPONSE_DATA;
  message.set(length, 1);
  message.set(data, 1 + length.length);
  return message;
}

/** A number in the least bytes: seven bits in each, the lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}
