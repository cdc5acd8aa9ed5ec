/**
 * A program whose one process writes for ever and is read from once, while it reads
 * all that another writes: prints how much memory that took, garbage not counted, as JSON.
 *
 *     node --expose-gc stalled-reader.mjs ADDRESS BYTES
 */
import { connect } from '../../dist/client/index.js';

const [address, bytes] = process.argv.slice(2);
const client = connect(address);
const session = await client.session();
const env = { PATH: process.env.PATH };

const endless = await session.start({ argv: ['/bin/sh', '-c', 'yes; yes >&2'], env });
const stalled = endless.stdout[Symbol.asyncIterator]();
await stalled.next();

/** How often it is looked, in bytes that came. */
const LOOK_BYTES = 8 * 1024 * 1024;

function used() {
  gc();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

const before = used();
let peak = before;
let received = 0;
let next = 0;
const other = await session.start({
  argv: ['/bin/sh', '-c', `head -c ${bytes} /dev/zero`],
  env,
  overflow: 'pause',
});
for await (const chunk of other.stdout) {
  received += chunk.byteLength;
  if (received < next) continue;
  next += LOOK_BYTES;
  peak = Math.max(peak, used());
}
const { code } = await other.closed;
// The one that was not read goes on where it was.
const { value } = await stalled.next();
process.stdout.write(
  `${JSON.stringify({ received, code, grown: peak - before, next: value.byteLength > 0 })}\n`,
);
await session.close();
await client.close();
