// @ts-check
/**
 * The bound that the server's output is compared to: grpc-js, and nothing else. It
 * answers every call of its one method with messages that were made before, as fast as
 * they are taken:
 *
 *     node bench/bare-server.mjs SOCKET
 *
 * Prints a line of JSON when it listens, and ends with its input.
 */
import { Server, ServerCredentials } from '@grpc/grpc-js';

/** @import { ServerWritableStream } from '@grpc/grpc-js' */

const [socket] = process.argv.slice(2);
const identity = (/** @type {Buffer} */ bytes) => bytes;

// The same options as the server of runlet has.
const server = new Server({ 'grpc.max_send_message_length': -1, 'grpc.enable_channelz': 0 });
server.addService(
  {
    flood: {
      path: '/bench.Bare/Flood',
      requestStream: false,
      responseStream: true,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    },
  },
  { flood },
);
server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
  process.stdout.write('{"ready":true}\n');
});
process.stdin.resume().once('end', () => process.exit());

/**
 * Sends as many bytes as the request says, in messages of the size that it says.
 *
 * @param {ServerWritableStream<Buffer, Buffer>} call
 */
function flood(call) {
  const { bytes, size } = /** @type {{ bytes: number, size: number }} */ (
    JSON.parse(call.request.toString())
  );
  const message = Buffer.alloc(size, 'x');
  let left = bytes;
  const send = () => {
    while (left > 0) {
      const part = left < size ? message.subarray(0, left) : message;
      left -= part.byteLength;
      if (!call.write(part)) {
        call.once('drain', send);
        return;
      }
    }
    call.end();
  };
  send();
}
