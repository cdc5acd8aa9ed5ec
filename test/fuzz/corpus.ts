import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import { methodPath } from '../../src/bridge/types.ts';
import { Health } from '../../src/gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../src/gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { FileService } from '../../src/gen/runlet/v1/file_pb.ts';
import { HttpService } from '../../src/gen/runlet/v1/http_pb.ts';
import { ProcessService } from '../../src/gen/runlet/v1/process_pb.ts';
import { ServerService } from '../../src/gen/runlet/v1/server_pb.ts';
import { SessionService } from '../../src/gen/runlet/v1/session_pb.ts';
import { TunnelService } from '../../src/gen/runlet/v1/tunnel_pb.ts';

/** A request that is valid, or nearly so. */
export interface Seed {
  readonly path: string;
  readonly body: Buffer;
}

/** All that a server of ours answers. */
const SERVICES = [
  SessionService,
  ProcessService,
  FileService,
  HttpService,
  TunnelService,
  ServerService,
  Health,
  ServerReflection,
  ServerReflectionAlpha,
];

/** What programs are run: none of them does anything. */
const COMMANDS = [['/bin/true'], ['/bin/cat'], ['/bin/sleep', '0'], ['/bin/echo', 'x']];

/** Sessions and processes that requests name, so that many name one that is there. */
const SESSION_IDS = Array.from({ length: 4 }, (_, i) => `00000000-0000-4000-8000-00000000000${i}`);
const PROCESS_IDS = ['p0', 'p1', 'p2'];

/** Names of files that requests name, in the same way. */
const FILES = ['f0', 'f1', 'f0/below', ''];

/** How far messages within messages go. */
const MAX_DEPTH = 5;

/** Fields that say again what others do: all of both kinds would be no valid request. */
const TWICE = /^raw_|^attachment_id$|^arg0$|^if_version$/;

/** What one request is made of. */
interface Choice {
  /** Where the files are that it names. */
  readonly folder: string;
  /** Which case each choice of several fields has. */
  readonly ordinal: number;
  /** All fields, or those that a request needs. */
  readonly full: boolean;
}

/**
 * Requests of every method: with all that they may have and little, and each case of a choice.
 * Files that they name are in a folder.
 */
export function seedCorpus(folder: string): readonly Seed[] {
  return SERVICES.flatMap(({ methods }) => methods.flatMap((method) => seedsOf(method, folder)));
}

function seedsOf(method: DescMethod, folder: string): readonly Seed[] {
  const { input } = method;
  const cases = Math.max(COMMANDS.length, ...input.oneofs.map(({ fields }) => fields.length));
  const seeds = new Map<string, Seed>();
  for (let ordinal = 0; ordinal < cases; ordinal++) {
    for (const full of [false, true]) {
      const body = Buffer.from(toBinary(input, sample(input, { folder, ordinal, full }, 0)));
      seeds.set(body.toString('latin1'), { path: methodPath(method), body });
    }
  }
  return [...seeds.values()];
}

function sample(desc: DescMessage, choice: Choice, depth: number) {
  const init: Record<string, unknown> = {};
  for (const field of desc.fields) {
    const { oneof } = field;
    if (oneof !== undefined) {
      if (oneof.fields[choice.ordinal % oneof.fields.length] !== field) continue;
      init[oneof.localName] = { case: field.localName, value: someValue(field, choice, depth) };
    } else if (isWanted(field, choice, depth)) {
      init[field.localName] = someValue(field, choice, depth);
    }
  }
  return create(desc, init);
}

function isWanted({ fieldKind, name }: DescField, { full, ordinal }: Choice, depth: number) {
  if (/^(session_id|process_id|spec|argv|signal|path|target_path|method|url|host|port)$/.test(name))
    return true;
  if (depth >= MAX_DEPTH && fieldKind === 'message') return false;
  return full && (!TWICE.test(name) || ordinal === 1);
}

function someValue(field: DescField, choice: Choice, depth: number): unknown {
  const { ordinal } = choice;
  switch (field.fieldKind) {
    case 'message':
      return sample(field.message, choice, depth + 1);
    case 'enum':
      return field.enum.values[1 + (ordinal % (field.enum.values.length - 1))]?.number ?? 0;
    case 'map':
      return { name: field.mapKind === 'scalar' ? 'value' : undefined };
    case 'list':
      if (field.name === 'argv') return COMMANDS[ordinal % COMMANDS.length];
      if (field.listKind === 'message') return [sample(field.message, choice, depth + 1)];
      return field.listKind === 'scalar' ? [scalarOf(field, field.scalar, choice)] : [1];
    case 'scalar':
      return scalarOf(field, field.scalar, choice);
  }
}

function scalarOf({ name }: DescField, type: ScalarType, { folder, ordinal }: Choice): unknown {
  switch (type) {
    case ScalarType.STRING:
      if (name.endsWith('path')) return `${folder}/${FILES[ordinal % FILES.length]}`;
      return textOf(name, ordinal);
    case ScalarType.BYTES:
      return Buffer.from('bytes');
    case ScalarType.BOOL:
      return true;
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return name === 'seconds' ? 0n : BigInt(ordinal);
    default:
      // None, or the one of discard(9): where somebody may listen, and nobody does.
      if (name === 'port') return ordinal % 2 === 0 ? 9 : 0;
      // A part of a second where it is of a duration.
      return name === 'nanos' ? 1_000_000 : 1 + ordinal;
  }
}

function textOf(name: string, ordinal: number): string {
  if (name === 'session_id') return SESSION_IDS[ordinal % SESSION_IDS.length] ?? '';
  if (name === 'process_id') return PROCESS_IDS[ordinal % PROCESS_IDS.length] ?? '';
  if (name === 'cwd') return '/';
  if (name === 'upload_id' || name === 'connection_id') return SESSION_IDS[0] ?? '';
  if (name === 'host') return '127.0.0.1';
  if (name === 'url') return 'http://127.0.0.1:9/';
  if (name === 'method') return 'GET';
  if (name === 'credential') return '';
  if (name === 'service') return ['', 'runlet.v1.ProcessService', 'none'][ordinal % 3] ?? '';
  if (/file|symbol|type/.test(name)) return 'runlet.v1.ProcessService';
  return name.endsWith('token') ? '' : 'text';
}
