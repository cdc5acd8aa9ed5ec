import { create, createFileRegistry, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../src/bridge/create-client.ts';
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../src/gen/grpc/health/v1/health_pb.ts';
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../src/gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { ProcessService } from '../../src/gen/runlet/v1/process_pb.ts';
import { Readiness } from '../../src/server/readiness.ts';
import { Health as HealthState, healthService } from '../../src/server/services/health-service.ts';
import { TestCallContext } from '../support/call-context.ts';
import { type Harness, startHarness } from '../support/harness.ts';

const { NOT_SERVING, SERVICE_UNKNOWN, SERVING } = ServingStatus;
const NAMES = [
  '',
  'runlet.v1.FileService',
  'runlet.v1.HttpService',
  'runlet.v1.ProcessService',
  'runlet.v1.ServerService',
  'runlet.v1.SessionService',
  'runlet.v1.TunnelService',
];

type Question = ServerReflectionRequest['messageRequest'];
type Answer = ServerReflectionResponse['messageResponse'];

describe('health', () => {
  it('tells the server and each of its services', async () => {
    const { connection } = await startHarness();
    const health = createClient(Health, connection);
    for (const service of NAMES) {
      await expect(health.check({ service })).resolves.toMatchObject({ status: SERVING });
    }
    const { statuses } = await health.list({});
    expect(Object.keys(statuses).sort()).toEqual(NAMES);
    expect(Object.values(statuses).every(({ status }) => status === SERVING)).toBe(true);
  });

  it('knows no other service', async () => {
    const { connection } = await startHarness();
    const health = createClient(Health, connection);
    const unknown = { service: 'runlet.v1.Process' };
    await expect(health.check(unknown)).rejects.toMatchObject({ code: 5 });
    const watch = health.watch(unknown)[Symbol.asyncIterator]();
    expect((await watch.next()).value).toMatchObject({ status: SERVICE_UNKNOWN });
    await watch.return?.();
  });

  it('tells who watches that the server shuts down', async () => {
    const { connection, runlet } = await startHarness();
    const health = createClient(Health, connection);
    const watch = health.watch({ service: '' })[Symbol.asyncIterator]();
    expect((await watch.next()).value).toMatchObject({ status: SERVING });
    const stopped = runlet.shutdown();
    expect((await watch.next()).value).toMatchObject({ status: NOT_SERVING });
    await watch.return?.();
    await stopped;
  });

  it('tells it though it happens while the answer before is sent', async () => {
    const readiness = new Readiness();
    const state = new HealthState([ProcessService], readiness);
    const context = new TestCallContext();
    const request = create(HealthCheckRequestSchema, { service: '' });
    const watch = healthService(state).watch(request, context)[Symbol.asyncIterator]();
    expect((await watch.next()).value).toMatchObject({ status: SERVING });
    readiness.set('draining', true);
    expect((await watch.next()).value).toMatchObject({ status: NOT_SERVING });
    context.fail(new Error('the client is gone'));
    expect((await watch.next()).done).toBe(true);
  });

  it('forgets who watched and went', async () => {
    const { connection, log } = await startHarness({});
    const health = createClient(Health, connection);
    for (let i = 0; i < 3; i += 1) {
      const watch = health.watch({ service: '' })[Symbol.asyncIterator]();
      await watch.next();
      await watch.return?.();
    }
    const ends = (): number => log.filter((line) => line.includes('Health/Watch')).length;
    await expect.poll(ends).toBe(3);
  });
});

describe.each([ServerReflection, ServerReflectionAlpha])('$typeName', (service) => {
  const ask = async ({ connection }: Harness, messageRequest: Question): Promise<Answer> => {
    const client = createClient(service as typeof ServerReflection, connection);
    const requests = (async function* () {
      yield { host: 'a host', messageRequest };
    })();
    const answers: MessageShape<typeof ServerReflection.method.serverReflectionInfo.output>[] = [];
    for await (const answer of client.serverReflectionInfo(requests)) answers.push(answer);
    expect(answers).toHaveLength(1);
    const [answer] = answers;
    expect(answer?.validHost).toBe('a host');
    expect(answer?.originalRequest?.messageRequest).toMatchObject({ ...messageRequest });
    return answer?.messageResponse ?? { case: undefined };
  };
  const filesOf = (answer: Answer): FileDescriptorProto[] => {
    if (answer.case !== 'fileDescriptorResponse') throw new Error(`it was ${answer.case}`);
    return answer.value.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
  };

  it('lists the services', async () => {
    const answer = await ask(await startHarness(), { case: 'listServices', value: '*' });
    expect(answer).toMatchObject({
      case: 'listServicesResponse',
      value: {
        service: expect.arrayContaining(
          [...NAMES.slice(1), 'grpc.health.v1.Health'].map((name) =>
            expect.objectContaining({ name }),
          ),
        ),
      },
    });
  });

  it('finds files by what they declare, with all that they need', async () => {
    const harness = await startHarness();
    const symbols = [
      'runlet.v1.ProcessService',
      'runlet.v1.ProcessService.Run',
      'runlet.v1.ProcessSpec.argv',
      'runlet.v1.SIGNAL_TERM',
      'runlet.v1.StartFailure',
      'runlet.v1.FileService.WriteTree',
      'runlet.v1.FileChange.from_path',
      'runlet.v1.FileFailure',
      'runlet.v1.HttpService.Request',
      'runlet.v1.HttpFailure',
      'runlet.v1.TunnelService.Connect',
      'runlet.v1.TunnelOpen.unix_path',
      'google.rpc.ErrorInfo',
      'google.protobuf.Duration',
      'grpc.health.v1.HealthCheckResponse.ServingStatus',
    ];
    for (const value of symbols) {
      const files = filesOf(await ask(harness, { case: 'fileContainingSymbol', value }));
      const names = new Set(files.map(({ name }) => name));
      const missing = files.flatMap(({ dependency }) => dependency).filter((d) => !names.has(d));
      expect(missing, value).toEqual([]);
    }
    const { name } = ProcessService.file.proto;
    const files = filesOf(await ask(harness, { case: 'fileByFilename', value: name }));
    expect(files[0]?.name).toBe(name);
    const set = create(FileDescriptorSetSchema, { file: files.reverse() });
    const registry = createFileRegistry(set);
    expect(Object.keys(registry.getService(ProcessService.typeName)?.method ?? {})).toEqual(
      Object.keys(ProcessService.method),
    );
  });

  it('says what it does not know', async () => {
    const harness = await startHarness();
    const unknown: Question[] = [
      { case: 'fileContainingSymbol', value: 'runlet.v1.Nothing' },
      { case: 'fileByFilename', value: '../../etc/passwd' },
      { case: 'allExtensionNumbersOfType', value: 'runlet.v1.Nothing' },
    ];
    for (const question of unknown) {
      expect(await ask(harness, question)).toMatchObject({
        case: 'errorResponse',
        value: { errorCode: 5 },
      });
    }
    expect(await ask(harness, { case: undefined })).toMatchObject({
      case: 'errorResponse',
      value: { errorCode: 3 },
    });
    const value = 'runlet.v1.ProcessSpec';
    expect(await ask(harness, { case: 'allExtensionNumbersOfType', value })).toMatchObject({
      case: 'allExtensionNumbersResponse',
      value: { baseTypeName: value, extensionNumber: [] },
    });
  });
});
