import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';

/** A response that is encoded already, so that one encoding can serve many calls. */
export class EncodedMessage<O extends DescMessage> {
  /** The message that `bytes` encode; keeps the types of different messages apart. */
  readonly schema: O;
  readonly bytes: Uint8Array;

  constructor(schema: O, bytes: Uint8Array) {
    this.schema = schema;
    this.bytes = bytes;
  }
}

/** The bytes of a message, encoded unless they are already. */
export function encodeMessage<O extends DescMessage>(
  schema: O,
  message: MessageInitShape<O> | EncodedMessage<O>,
): Buffer {
  const bytes =
    message instanceof EncodedMessage ? message.bytes : toBinary(schema, create(schema, message));
  return asBuffer(bytes);
}

/** The same memory as a Buffer, which grpc-js wants since it calls `copy()`. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
