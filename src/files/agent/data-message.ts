/*
 * Bytes of a file as the message of a stream that they go out in, encoded where they are: what
 * comes before them is written into the room that was left for it, so that they are not copied.
 */

/** Bytes before those of the file: two tags, two lengths and a position. */
export const DATA_MESSAGE_ROOM = 32;

/** `data` of `ReadFileResponse`; and `offset` and `data` of `FileData`, with their wire types. */
const RESPONSE_DATA = 0x12;
const DATA_OFFSET = 0x08;
const DATA_DATA = 0x12;

/**
 * Encodes a `ReadFileResponse` with some bytes of a file.
 *
 * @param memory the bytes, after {@link DATA_MESSAGE_ROOM}
 * @param length how many they are
 * @param offset where in the file the first of them is
 * @returns the part of the memory that is the message
 */
export function dataMessage(memory: Uint8Array, length: number, offset: bigint): Uint8Array {
  const inner = [
    ...(offset === 0n ? [] : [DATA_OFFSET, ...varint(offset)]),
    DATA_DATA,
    ...varint(BigInt(length)),
  ];
  const head = [RESPONSE_DATA, ...varint(BigInt(inner.length + length)), ...inner];
  const start = DATA_MESSAGE_ROOM - head.length;
  memory.set(head, start);
  return memory.subarray(start, DATA_MESSAGE_ROOM + length);
}

/** A number in the least bytes: seven bits in each, the lowest first. */
function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}
