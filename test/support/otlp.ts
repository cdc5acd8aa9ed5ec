import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** A span, as a collector has it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it is the first of its trace. */
  readonly parentSpanId: string;
  readonly name: string;
  /** By number: 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 2: it failed. */
  readonly status: number;
  /** In nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  /** What it was of. */
  readonly service: unknown;
}

/** A value of OTLP's JSON. */
type OtlpValue = Readonly<Record<string, unknown>>;

interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes?: readonly OtlpAttribute[];
  readonly links?: CollectedSpan['links'];
  readonly status?: { readonly code?: number };
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** The spans of a request of OTLP/HTTP, as JSON. */
export function spansOfJson(body: Uint8Array): readonly CollectedSpan[] {
  const { resourceSpans }: OtlpRequest = JSON.parse(Buffer.from(body).toString());
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        name: span.name,
        kind: span.kind,
        attributes: attributesOf(span.attributes ?? []),
        links: (span.links ?? []).map(({ spanId, traceId }) => ({ traceId, spanId })),
        status: span.status?.code ?? 0,
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
        service: attributesOf(resource.attributes)['service.name'],
      })),
    ),
  );
}

function attributesOf(attributes: readonly OtlpAttribute[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

/**
 * The same as protobuf. The numbers of its fields are those of
 * https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/trace/v1/trace.proto.
 */
export function spansOfProtobuf(body: Uint8Array): readonly CollectedSpan[] {
  return messages(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const [resource] = messages(resourceSpans, 1);
    const service = resource && attributesIn(resource, 1)['service.name'];
    return messages(resourceSpans, 2).flatMap((scopeSpans) =>
      messages(scopeSpans, 2).map((span) => ({
        traceId: bytes(span, 1).toString('hex'),
        spanId: bytes(span, 2).toString('hex'),
        parentSpanId: bytes(span, 4).toString('hex'),
        name: bytes(span, 5).toString(),
        kind: Number(number(span, 6)),
        attributes: attributesIn(span, 9),
        links: messages(span, 13).map((link) => ({
          traceId: bytes(link, 1).toString('hex'),
          spanId: bytes(link, 2).toString('hex'),
        })),
        status: messages(span, 15).reduce((_, status) => Number(number(status, 3)), 0),
        start: number(span, 7),
        end: number(span, 8),
        service,
      })),
    );
  });
}

/** The values of a message, by the numbers of their fields. */
type Fields = ReadonlyMap<number, readonly (bigint | Buffer)[]>;

function fieldsOf(body: Uint8Array): Fields {
  const fields = new Map<number, (bigint | Buffer)[]>();
  const reader = new BinaryReader(body);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    const values = fields.get(field) ?? [];
    fields.set(field, values);
    values.push(readValue(reader, wire));
  }
  return fields;
}

function readValue(reader: BinaryReader, wire: WireType): bigint | Buffer {
  if (wire === WireType.LengthDelimited) return Buffer.from(reader.bytes());
  if (wire === WireType.Varint) return BigInt(reader.uint64());
  return wire === WireType.Bit64 ? BigInt(reader.fixed64()) : BigInt(reader.fixed32());
}

function messages(fields: Fields, field: number): readonly Fields[] {
  const values = fields.get(field) ?? [];
  return values.map((value) => fieldsOf(typeof value === 'bigint' ? Buffer.alloc(0) : value));
}

function bytes(fields: Fields, field: number): Buffer {
  const [value] = fields.get(field) ?? [];
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function number(fields: Fields, field: number): bigint {
  const [value] = fields.get(field) ?? [];
  return typeof value === 'bigint' ? value : 0n;
}

/** Of texts, truth values and whole numbers: spans of ours have no others. */
function attributesIn(fields: Fields, field: number): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    messages(fields, field).map((attribute) => {
      const [value] = messages(attribute, 2);
      const known: unknown =
        value?.has(1) === true
          ? bytes(value, 1).toString()
          : value?.has(2) === true
            ? number(value, 2) === 1n
            : value && Number(number(value, 3));
      return [bytes(attribute, 1).toString(), known];
    }),
  );
}
