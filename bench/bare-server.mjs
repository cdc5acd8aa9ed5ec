// @ts-check
/**
 * The bounds that the server's output is compared to: grpc-js, and nothing else. It
 * answers every call of its one method with messages that were made before, as fast as
 * they are taken; or with what a program prints into a pipe, as it is read:
 *
 *     node bench/bare-server.mjs SOCKET
 *
 * Prints a line of JSON when it listens, and ends with its input.
 */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { built } from './lib/built.mjs';

/** @import { ServerWritableStream } from '@grpc/grpc-js' */

/** Bytes that a read of a pipe yields at most. */
const MAX_READ_BYTES = 64 * 1024;

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
  const { bytes, program, size } =
    /** @type {{ bytes: number, size: number, program?: string }} */ (
      JSON.parse(call.request.toString())
    );
  if (program !== undefined) {
    void pass(call, program, bytes, size);
    return;
  }
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

/**
 * Sends what a program prints. While a message is on its way the next is gathered, and
 * what is more than that is left in the pipe.
 *
 * @param {ServerWritableStream<Buffer, Buffer>} call
 * @param {string} program
 * @param {number} bytes that it shall print
 * @param {number} size of a message at most, in bytes
 */
async function pass(call, program, bytes, size) {
  // Not before: how fast a server with nothing but grpc-js starts is of interest, too.
  const { createLauncher } = /** @type {typeof import('../src/process/launchers.ts')} */ (
    await built('process/launchers.js')
  );
  const { output } = await createLauncher('posix_spawn').launch({
    program,
    arg0: program,
    args: ['blocks', String(bytes)],
    cwd: '/',
    env: new Map(),
    stdin: 'closed',
    mergeStderr: true,
    terminal: undefined,
    limits: undefined,
  });
  const { stdout } = output;
  if (stdout === undefined) throw new Error('the program has no output');
  let message = Buffer.allocUnsafeSlow(size);
  let length = 0;
  let sending = false;
  const send = () => {
    if (sending || length === 0) return;
    sending = true;
    const part = message.subarray(0, length);
    message = Buffer.allocUnsafeSlow(size);
    length = 0;
    call.write(part, () => {
      sending = false;
      stdout.resume();
      send();
      if (stdout.readableEnded && !sending) call.end();
    });
  };
  stdout.on('data', (/** @type {Buffer} */ data) => {
    length += data.copy(message, length);
    if (length + MAX_READ_BYTES > size) stdout.pause();
    send();
  });
  stdout.once('end', () => {
    if (!sending) call.end();
  });
}
