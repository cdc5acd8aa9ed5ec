import { gzipSync } from 'node:zlib';
import type { Seed } from './corpus.ts';
import type { Random } from './random.ts';

/** A request as it is sent. */
export interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  /** The body, in the pieces in which it is sent. */
  readonly pieces: readonly Buffer[];
  /** Whether its headers are those of a gRPC call. */
  readonly wellFormed: boolean;
}

/** How long a call may go on, which no mutation makes longer than its client waits. */
const TIMEOUT = '300m';

/** Text that is none: a byte that begins nothing, a lone surrogate, one that is cut, too long a form. */
const BAD_TEXT = ['ff', 'eda080', 'f09f', 'c080', 'f4908080', '00'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

/** Zeros that are much larger than they look: more than a server takes. */
const BOMB = gzipSync(Buffer.alloc(16 * 1024 * 1024));

const MAX_VARINT = Buffer.from('ffffffffffffffffff01', 'hex');

/** A way to change bytes. */
type Mutator = (bytes: Buffer, random: Random, seeds: readonly Seed[]) => Buffer;

const splice = (bytes: Buffer, at: number, remove: number, insert: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);

const MUTATORS: readonly Mutator[] = [
  // One bit.
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    const at = random.below(copy.byteLength);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    return copy;
  },
  // Another type of a field, or another field.
  (bytes, random) => splice(bytes, 0, 1, Buffer.from([random.below(256)])),
  (bytes, random) => bytes.subarray(0, random.below(bytes.byteLength + 1)),
  (bytes, random) =>
    splice(bytes, random.below(bytes.byteLength + 1), 0, random.bytes(1 + random.below(8))),
  (bytes, random) =>
    splice(bytes, random.below(bytes.byteLength), random.below(8), Buffer.alloc(0)),
  // The end of another request, of whatever method.
  (bytes, random, seeds) => {
    const { body } = random.pick(seeds);
    return Buffer.concat([
      bytes.subarray(0, random.below(bytes.byteLength + 1)),
      body.subarray(random.below(body.byteLength + 1)),
    ]);
  },
  // All of another: fields that are there twice.
  (bytes, random, seeds) => Buffer.concat([bytes, random.pick(seeds).body]),
  (bytes, random) => splice(bytes, random.below(bytes.byteLength), 1, MAX_VARINT),
  (bytes, random) => splice(bytes, random.below(bytes.byteLength), 1, random.pick(BAD_TEXT)),
  (bytes, random) => splice(bytes, random.below(bytes.byteLength), 0, random.pick(BAD_TEXT)),
  // A field of bytes that are longer than all there is.
  (bytes, random) =>
    Buffer.concat([bytes, Buffer.from([(1 + random.below(15)) * 8 + 2]), MAX_VARINT.subarray(4)]),
  // Messages in messages, or a group that never ends.
  (bytes, random) => {
    const tag = (1 + random.below(15)) * 8 + random.pick([2, 3]);
    let nested: Buffer = bytes.subarray(0, 20);
    for (let i = 0; i < 100; i++)
      nested = Buffer.concat([Buffer.from([tag, nested.byteLength & 127]), nested]);
    return nested;
  },
  // Many fields.
  (bytes, random) => {
    const piece = bytes.subarray(0, 1 + random.below(64));
    return Buffer.concat(Array.from({ length: 1 + random.below(2000) }, () => piece));
  },
];

/** Another value of a header, or a header that is not wanted; undefined: it is left out. */
const HEADERS: readonly (readonly [string, string | undefined])[] = [
  ['content-type', 'application/grpc+proto'],
  ['content-type', 'application/grpc+json'],
  ['content-type', 'application/grpc-web'],
  ['content-type', 'text/plain'],
  ['content-type', undefined],
  ['te', undefined],
  ['te', 'gzip'],
  ['grpc-encoding', 'gzip'],
  ['grpc-encoding', 'deflate'],
  ['grpc-encoding', 'br'],
  ['grpc-encoding', 'identity'],
  ['grpc-encoding', '__proto__'],
  ['grpc-accept-encoding', 'none,,gzip,constructor'],
  ['grpc-timeout', '0n'],
  ['grpc-timeout', '1n'],
  ['grpc-timeout', '-1S'],
  ['grpc-timeout', '999999999S'],
  ['grpc-timeout', '1x'],
  ['grpc-timeout', ''],
  ['authorization', 'Bearer'],
  ['authorization', `Bearer ${'x'.repeat(6000)}`],
  ['authorization', 'Bearer  a  b'],
  ['authorization', 'Basic eDp5'],
  ['runlet-call-edge', '1'],
  ['runlet-session-id', '\u0080\u00ff'],
  ['grpc-status', '0'],
  ['grpc-message', '%zz%'],
  ['x-binary-bin', '!!!'],
  ['x-binary-bin', 'AAE,AA=='],
  ['grpc-trace-bin', ''],
  ['grpc-previous-rpc-attempts', 'x'],
  ['content-length', '3'],
  ['cookie', 'a=b; c'],
  ['x-long', 'y'.repeat(20_000)],
  ['__proto__', 'x'],
  ['constructor', 'x'],
  ['UPPER', 'x'],
  ['with space', 'x'],
  [':method', 'GET'],
  [':method', 'OPTIONS'],
  [':scheme', 'ftp'],
  [':authority', ''],
];

const PATHS: readonly ((path: string, random: Random) => string)[] = [
  (path) => path.toLowerCase(),
  (path) => `${path}/`,
  (path) => path.slice(1),
  (path) => path.replace('/', '//'),
  (path) => `${path}?x=1`,
  () => '/',
  () => '*',
  () => '/__proto__/constructor',
  () => `/${'x'.repeat(5000)}`,
  (path, random) => path.slice(0, random.below(path.length)),
];

/** A request of a method whose message, framing or headers may be wrong. */
export function mutated(seeds: readonly Seed[], random: Random): Sent {
  const seed = random.pick(seeds);
  const messages = Array.from({ length: random.chance(0.2) ? 1 + random.below(4) : 1 }, () =>
    mutatedMessage(random.chance(0.9) ? seed : random.pick(seeds), seeds, random),
  );
  let body = Buffer.concat(messages.map((each) => framed(each, random)));
  if (random.chance(0.03)) body = body.subarray(0, random.below(body.byteLength + 1));
  const headers: Record<string, string> = {
    ':method': 'POST',
    ':path': seed.path,
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': TIMEOUT,
  };
  let wellFormed = true;
  for (let more = random.chance(0.2) ? 1 + random.below(3) : 0; more > 0; more--) {
    const [name, value] = random.pick(HEADERS);
    if (value === undefined) Reflect.deleteProperty(headers, name);
    else
      Object.defineProperty(headers, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    wellFormed = false;
  }
  if (random.chance(0.05)) {
    headers[':path'] = random.pick(PATHS)(seed.path, random);
    wellFormed = false;
  }
  const cut = random.chance(0.2) ? random.below(body.byteLength + 1) : body.byteLength;
  return { headers, pieces: [body.subarray(0, cut), body.subarray(cut)], wellFormed };
}

function mutatedMessage(seed: Seed, seeds: readonly Seed[], random: Random): Buffer {
  let bytes = seed.body;
  for (let more = random.chance(0.35) ? 0 : 1 + random.below(2); more > 0; more--) {
    // One that is empty has nothing that could be changed.
    const base = bytes.byteLength === 0 ? random.bytes(1 + random.below(16)) : bytes;
    bytes = random.pick(MUTATORS)(base, random, seeds);
  }
  return bytes;
}

/** A message with what goes before it, which may be wrong. */
function framed(bytes: Buffer, random: Random): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.byteLength, 1);
  if (random.chance(0.96)) return Buffer.concat([head, bytes]);
  switch (random.below(4)) {
    case 0:
      head[0] = 1 + random.below(255);
      return Buffer.concat([head, bytes]);
    case 1: {
      const packed = random.chance(0.5) ? gzipSync(bytes) : BOMB;
      head[0] = 1;
      head.writeUInt32BE(packed.byteLength, 1);
      return Buffer.concat([head, packed]);
    }
    case 2:
      head.writeUInt32BE(random.pick([0, 1, bytes.byteLength + 1, 2 ** 31, 2 ** 32 - 1]), 1);
      return Buffer.concat([head, bytes]);
    default:
      return head.subarray(0, random.below(5));
  }
}
