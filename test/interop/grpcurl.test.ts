import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileRegistry, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileService } from '../../src/gen/runlet/v1/file_pb.ts';
import { HttpService } from '../../src/gen/runlet/v1/http_pb.ts';
import { ProcessService } from '../../src/gen/runlet/v1/process_pb.ts';
import { ServerService } from '../../src/gen/runlet/v1/server_pb.ts';
import { SessionService } from '../../src/gen/runlet/v1/session_pb.ts';
import { TunnelService } from '../../src/gen/runlet/v1/tunnel_pb.ts';
import { temporaryFolder } from '../support/harness.ts';
import {
  grpcurl,
  installGrpcurl,
  parseMessages,
  runPageCommands,
  type ServedProcess,
  serve,
  type Transcript,
} from './support.ts';

/** Responses as grpcurl prints them. */
interface Events {
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

const SERVICES = [
  SessionService,
  ProcessService,
  FileService,
  HttpService,
  TunnelService,
  ServerService,
];

/** Where the proto of reflection lies. */
const REFLECTION_PROTOS = 'proto-grpc';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What every event has, whatever happened. */
const at = (seq: number) => ({ seq: String(seq), time: expect.any(String) });

const EXITED = {
  status: { code: 0 },
  reason: 'END_REASON_EXITED',
  usage: expect.objectContaining({ wallTime: expect.any(String) }),
};

/** A process, as far as it is looked at. */
interface Started {
  readonly processId: string;
  readonly pid: string;
  readonly startTime: string;
}

/** The life of `sh -c 'echo hi; sleep 1; echo bye'`. */
const GREETING = [
  { ...at(1), started: { pid: expect.stringMatching(/^\d+$/) } },
  { ...at(2), output: { stream: 'OUTPUT_STREAM_STDOUT', data: base64('hi\n') } },
  { ...at(3), output: { stream: 'OUTPUT_STREAM_STDOUT', offset: '3', data: base64('bye\n') } },
  { ...at(4), exited: EXITED },
  {
    ...at(5),
    closed: {
      totals: [{ stream: 'OUTPUT_STREAM_STDOUT', bytes: '7' }, { stream: 'OUTPUT_STREAM_STDERR' }],
      outputComplete: true,
    },
  },
];

let server: ServedProcess | undefined;
let transcript: Transcript;

/** What a block of the page printed. */
function printed(block: string): string {
  const text = transcript.get(block);
  if (text === undefined) throw new Error(`the page has no block of commands named ${block}`);
  return text;
}

function serverAddress(): string {
  if (server === undefined) throw new Error('there is no server');
  return server.address;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The output in events, as text. */
function textOf(events: readonly unknown[]): string {
  return (events as readonly { readonly output?: { readonly data: string } }[])
    .map(({ output }) => Buffer.from(output?.data ?? '', 'base64').toString())
    .join('');
}

function eventsOf(block: string): readonly unknown[] {
  return parseMessages<Events>(printed(block)).flatMap(({ events }) => events);
}

beforeAll(async () => {
  await installGrpcurl();
  server = await serve();
  transcript = await runPageCommands(server.address);
});

// Also if the above failed halfway.
afterAll(async () => {
  if (server !== undefined) expect(await server.stop()).toBe(0);
});

describe('the commands of docs/grpcurl.md', () => {
  it('list the services', () => {
    expect(printed('list').trim().split('\n')).toEqual([
      'grpc.health.v1.Health',
      'runlet.v1.FileService',
      'runlet.v1.HttpService',
      'runlet.v1.ProcessService',
      'runlet.v1.ServerService',
      'runlet.v1.SessionService',
      'runlet.v1.TunnelService',
    ]);
  });

  it('describe a service and a message', () => {
    const description = printed('describe');
    expect(description).toContain('runlet.v1.ProcessService is a service:');
    expect(description).toContain(
      'rpc WatchProcess ( .runlet.v1.WatchProcessRequest ) returns ( stream .runlet.v1.WatchProcessResponse );',
    );
    expect(description).toContain('runlet.v1.ProcessSpec is a message:');
    expect(description).toContain('repeated string argv = 1;');
  });

  it('find the server and each service healthy', () => {
    expect(parseMessages(printed('health'))).toEqual(
      ['', ...SERVICES].map(() => ({ status: 'SERVING' })),
    );
  });

  it('create a session', () => {
    expect(parseMessages(printed('create'))).toEqual([
      {
        session: {
          sessionId: expect.stringMatching(UUID),
          createTime: expect.any(String),
          owner: 'none:anybody',
          detachedTtl: '600s',
        },
      },
    ]);
  });

  it('start a process', () => {
    expect(parseMessages(printed('start'))).toMatchObject([
      {
        process: {
          processId: 'greeting',
          state: 'PROCESS_STATE_RUNNING',
          argv: ['sh', '-c', 'echo hi; sleep 1; echo bye'],
        },
      },
    ]);
  });

  it('start it again, and get the same', () => {
    const [first, again] = ['start', 'retry'].map(
      (block) => parseMessages<{ readonly process: Started }>(printed(block))[0]?.process,
    );
    expect([again?.pid, again?.startTime]).toEqual([first?.pid, first?.startTime]);
  });

  it('ask the server what it is', () => {
    expect(parseMessages(printed('info'))).toMatchObject([
      { version: expect.any(String), limits: { heartbeatInterval: '15s' } },
    ]);
  });

  it('are told exactly what is missing', () => {
    const [, , read] = parseMessages<Events>(printed('gap'));
    const [gap, ...rest] = read?.events ?? [];
    const { length } = (gap as { gap: { ranges: { length: string }[] } }).gap.ranges[0] ?? {};
    const output = textOf(rest);
    expect(Number(length) + output.length).toBe(18_893);
    expect(output).toMatch(/\n3999\n4000\n$/);
  });

  it('write to stdin, once', () => {
    const [, ...written] = parseMessages(printed('stdin'));
    expect(written).toEqual([{ acceptedOffset: '5' }, { acceptedOffset: '5' }]);
    const [streamed, ...watched] = parseMessages<Events>(printed('stream'));
    expect(streamed).toEqual({ acceptedOffset: '12' });
    expect(textOf(watched.flatMap(({ events }) => events))).toBe('hello world\n');
  });

  it('signal a process, and learn how it ended', () => {
    expect(parseMessages(printed('signal')).at(-1)).toMatchObject({
      process: { state: 'PROCESS_STATE_CLOSED', status: { code: 7 }, reason: 'END_REASON_EXITED' },
    });
  });

  it('terminate a process', () => {
    expect(parseMessages(printed('terminate')).at(-1)).toMatchObject({
      wasRunning: true,
      process: { status: { signal: 'SIGNAL_TERM' }, reason: 'END_REASON_TERMINATED' },
    });
  });

  it('use a terminal', () => {
    const messages = parseMessages<Partial<Events>>(printed('interact'));
    const events = messages.flatMap((message) => message.events ?? []);
    // What is typed is shown before or after the prompt, as it comes.
    expect(textOf(events)).toContain('20 90\r\n');
    expect(events).toContainEqual(
      expect.objectContaining({ exited: expect.objectContaining({ status: { code: 3 } }) }),
    );
  });

  it('make an environment', () => {
    const lines = textOf(eventsOf('environment')).trimEnd().split('\n');
    expect(lines.sort()).toEqual(['COLOR=blue', 'SHAPE=round']);
  });

  it('find the port of a process, send it a request and connect to it', () => {
    const [, { ports } = { ports: [] }] = parseMessages<{ readonly ports: readonly object[] }>(
      printed('ports'),
    );
    const port = expect.any(Number);
    expect(ports).toEqual([{ processId: 'web', pid: port, host: '127.0.0.1', port }]);
    const [answer, ...rest] = parseMessages<Record<string, object>>(printed('http'));
    expect(answer?.['head']).toMatchObject({ status: 200, httpVersion: '1.1' });
    expect(rest).toEqual([{ body: base64('hello') }, { end: {} }]);
    const came = parseMessages<{ readonly data?: string }>(printed('tunnel'));
    const text = came.map(({ data = '' }) => Buffer.from(data, 'base64').toString()).join('');
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*\r\nhello$/);
    expect(came.at(-1)).toMatchObject({
      end: { kind: 'TUNNEL_END_CLOSED', sentBytes: '18', receivedBytes: String(text.length) },
    });
  });

  it('show an error with its details', () => {
    expect(printed('error')).toMatch(/Code: FailedPrecondition.*"reason": "START_FAILED"/s);
  });

  it('take a session over', () => {
    expect(printed('superseded')).toMatch(/ERROR:\s+Code: Aborted/);
  });

  it('list processes and sessions', () => {
    const [processes, sessions] = parseMessages<Record<string, object[]>>(printed('listing'));
    expect(processes?.['processes']?.map((p) => (p as Started).processId)).toEqual(
      expect.arrayContaining(['greeting', 'cat']),
    );
    expect(sessions?.['sessions']).toHaveLength(1);
  });

  it('watch it to its end', () => {
    expect(eventsOf('watch')).toEqual(GREETING);
  });

  it('read the same again', () => {
    expect(parseMessages(printed('read'))).toMatchObject([
      { events: GREETING, nextAfterSeq: '5', process: { state: 'PROCESS_STATE_CLOSED' } },
    ]);
  });

  it('resume after an event', () => {
    expect(eventsOf('resume')).toEqual(GREETING.slice(2));
  });

  it('attach to the session, and are told of its processes', () => {
    expect(parseMessages(printed('attach'))).toEqual([
      {
        event: {
          attached: {
            attachmentId: expect.stringMatching(UUID),
            session: expect.objectContaining({ attached: true }),
            processes: expect.arrayContaining([
              expect.objectContaining({ processId: 'greeting', state: 'PROCESS_STATE_CLOSED' }),
            ]),
          },
        },
      },
    ]);
  });

  it('find the session alive when nobody is attached any more', () => {
    const [answer] = parseMessages<{ readonly session: object }>(printed('detached'));
    expect(answer?.session).toMatchObject({ detachedTtl: '600s' });
    // JSON leaves out what is false.
    expect(answer?.session).not.toHaveProperty('attached');
  });

  it('run a process without a session', () => {
    expect(eventsOf('run')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          output: { stream: 'OUTPUT_STREAM_STDOUT', data: base64('HELLO\n') },
        }),
        expect.objectContaining({ exited: EXITED }),
        expect.objectContaining({ closed: expect.anything() }),
      ]),
    );
  });

  it('close the session', () => {
    expect(parseMessages(printed('close'))).toEqual([{}]);
  });
});

describe('reflection', () => {
  it('answers in its version 1', async () => {
    const [answer] = parseMessages(
      await grpcurl(
        ...['-plaintext', '-import-path', REFLECTION_PROTOS],
        ...['-proto', 'grpc/reflection/v1/reflection.proto'],
        ...['-d', '{"list_services": ""}', serverAddress()],
        'grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      ),
    );
    expect(answer).toMatchObject({
      listServicesResponse: {
        service: expect.arrayContaining(SERVICES.map(({ typeName }) => ({ name: typeName }))),
      },
    });
  });

  it.each(SERVICES)('hands out the descriptors of $typeName', async (service) => {
    const file = join(await temporaryFolder(), 'descriptors.binpb');
    await grpcurl(
      '-plaintext',
      '-protoset-out',
      file,
      serverAddress(),
      'describe',
      service.typeName,
    );
    const set = fromBinary(FileDescriptorSetSchema, await readFile(file));
    const registry = createFileRegistry(set);
    expect(Object.keys(registry.getService(service.typeName)?.method ?? {})).toEqual(
      Object.keys(service.method),
    );
    for (const { input, output } of service.methods) {
      for (const message of [input, output]) {
        const reflected = registry.getMessage(message.typeName);
        expect(fieldsOf(reflected), message.typeName).toEqual(fieldsOf(message));
      }
    }
  });
});

describe('an error', () => {
  it('can be read with its details', async () => {
    const call = grpcurl(
      ...['-plaintext', '-d', '{"spec": {"argv": ["/no/such/program"]}}', serverAddress()],
      'runlet.v1.ProcessService/Run',
    );
    await expect(call).rejects.toMatchObject({
      stderr: expect.stringMatching(
        /Code: FailedPrecondition.*"reason": "START_FAILED".*"stage": "START_STAGE_PROGRAM"/s,
      ),
    });
  });
});

function fieldsOf(message: DescMessage | undefined): readonly string[] | undefined {
  return message?.fields.map(({ fieldKind, name, number }) => `${number} ${name} ${fieldKind}`);
}
