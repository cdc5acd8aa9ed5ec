import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import * as proto from '../gen/runlet/v1/event_pb.ts';
import { OUTPUT_STREAMS, type OutputStream } from './event.ts';

/** The number of the field `events` in every response that has it. */
export const EVENTS_FIELD = 1;

/** The streams as the protos number them. */
export const STREAM_NUMBERS: Readonly<Record<OutputStream, proto.OutputStream>> = {
  stdout: proto.OutputStream.STDOUT,
  stderr: proto.OutputStream.STDERR,
  terminal: proto.OutputStream.TERMINAL,
};

const eventField = proto.ProcessEventSchema.field;
const outputField = proto.ProcessOutputSchema.field;
const EVENTS_TAG = tag(EVENTS_FIELD, WireType.LengthDelimited);
const SEQ_TAG = tag(eventField.seq.number, WireType.Varint);
const TIME_TAG = tag(eventField.time.number, WireType.LengthDelimited);
const OUTPUT_TAG = tag(eventField.output.number, WireType.LengthDelimited);
const STREAM_TAG = tag(outputField.stream.number, WireType.Varint);
const OFFSET_TAG = tag(outputField.offset.number, WireType.Varint);
const DATA_TAG = tag(outputField.data.number, WireType.LengthDelimited);
/** Of `google.protobuf.Timestamp`. */
const SECONDS_TAG = tag(1, WireType.Varint);
const NANOS_TAG = tag(2, WireType.Varint);

/** All tags here are of fields below 16, which take one byte. */
function tag(field: number, type: WireType): number {
  return (field << 3) | type;
}

/**
 * Writes an output event, as an element of the field `events`, where it is to stay:
 * by hand, since this is done for every piece of output. `target` must have room
 * for {@link MAX_OUTPUT_HEAD_BYTES} and the data from `at` on.
 *
 * @returns where it ends
 */
export function writeOutput(
  target: Buffer,
  at: number,
  seq: number,
  timeMs: number,
  stream: OutputStream,
  offset: number,
  data: Uint8Array,
): number {
  const seconds = Math.floor(timeMs / 1000);
  const nanos = (timeMs - seconds * 1000) * 1_000_000;
  const dataLength = data.byteLength;
  const timeLength = 2 + varintLength(seconds) + varintLength(nanos);
  const outputLength = 2 + 1 + varintLength(offset) + 1 + varintLength(dataLength) + dataLength;
  const eventLength =
    1 + varintLength(seq) + 2 + timeLength + 1 + varintLength(outputLength) + outputLength;
  let end = at;
  target[end++] = EVENTS_TAG;
  end = writeVarint(target, end, eventLength);
  target[end++] = SEQ_TAG;
  end = writeVarint(target, end, seq);
  target[end++] = TIME_TAG;
  target[end++] = timeLength;
  target[end++] = SECONDS_TAG;
  end = writeVarint(target, end, seconds);
  target[end++] = NANOS_TAG;
  end = writeVarint(target, end, nanos);
  target[end++] = OUTPUT_TAG;
  end = writeVarint(target, end, outputLength);
  target[end++] = STREAM_TAG;
  target[end++] = STREAM_NUMBERS[stream];
  target[end++] = OFFSET_TAG;
  end = writeVarint(target, end, offset);
  target[end++] = DATA_TAG;
  end = writeVarint(target, end, dataLength);
  target.set(data, end);
  return end + dataLength;
}

/** Where an element of the field `events` ends that begins at `at`. */
export function elementEnd(bytes: Uint8Array, at: number): number {
  let length = 0;
  let scale = 1;
  let position = at + 1;
  for (;;) {
    const byte = bytes[position++] ?? 0;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) return position + length;
    scale *= 0x80;
  }
}

/** What output an element of the field `events` holds; undefined: none. */
export function decodeOutput(
  element: Uint8Array,
): { readonly stream: OutputStream; readonly length: number } | undefined {
  const reader = new BinaryReader(element);
  reader.tag();
  reader.uint32();
  if (!seek(reader, eventField.output.number)) return undefined;
  const output = new BinaryReader(reader.bytes());
  if (!seek(output, outputField.stream.number)) return undefined;
  const number = output.int32();
  const stream = OUTPUT_STREAMS.find((name) => STREAM_NUMBERS[name] === number);
  if (stream === undefined || !seek(output, outputField.data.number)) return undefined;
  return { stream, length: output.uint32() };
}

/** Goes on to the value of a field; false: there is none. */
function seek(reader: BinaryReader, field: number): boolean {
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === field) return true;
    reader.skip(type, number);
  }
  return false;
}

/** Numbers up to 2^53: not by bits, of which JavaScript handles 32 at a time. */
function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}

function writeVarint(target: Buffer, at: number, value: number): number {
  let end = at;
  let rest = value;
  while (rest >= 0x80) {
    target[end++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[end++] = rest;
  return end;
}
