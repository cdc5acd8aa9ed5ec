import { durationMs } from '@bufbuild/protobuf/wkt';
import { ensure, ensureEqual } from '../assert.ts';
import type { Check } from '../check.ts';
import { PATH } from '../context.ts';

/** What a server says of itself. */
export const serverInfo: readonly Check[] = [
  {
    id: 'INFO-01',
    title: 'A server tells its version, its platform and its folders, which are absolute paths',
    clause: 'GetServerInfoResponse',
    async run({ server }) {
      const info = await server.getServerInfo({});
      ensure(/^\d+\.\d+\.\d+/.test(info.version), `version is ${JSON.stringify(info.version)}`);
      ensure(info.platform?.os && info.platform.arch, 'platform is not told');
      for (const name of ['defaultShell', 'home', 'workingDirectory'] as const) {
        ensure(info[name].startsWith('/'), `${name} is ${JSON.stringify(info[name])}`);
      }
    },
  },
  {
    id: 'INFO-02',
    title: 'The limits in force are told, and the defaults lie within them',
    clause: 'Limits',
    async run({ server }) {
      const { limits } = await server.getServerInfo({});
      ensure(limits !== undefined, 'there are no limits');
      for (const name of ['maxSessions', 'maxProcesses', 'maxRequestBytes'] as const) {
        ensure(limits[name] > 0, `${name} is 0`);
      }
      ensure(limits.maxQueuedStdinBytes > 0, 'maxQueuedStdinBytes is 0');
      ensure(limits.maxQueuedSessionEvents > 0, 'maxQueuedSessionEvents is 0');
      const { defaultRetainedBytes, maxRetainedBytes } = limits;
      ensure(defaultRetainedBytes > 0n, 'default_retained_bytes is 0');
      ensure(
        defaultRetainedBytes <= maxRetainedBytes,
        'default_retained_bytes is above its maximum',
      );
      const spans = [
        [limits.defaultRetention, limits.maxRetention, 'default_retention above max_retention'],
        [limits.minDetachedTtl, limits.defaultDetachedTtl, 'default_detached_ttl too short'],
        [limits.defaultDetachedTtl, limits.maxDetachedTtl, 'default_detached_ttl too long'],
      ] as const;
      for (const [less, more, what] of spans) {
        ensure(less !== undefined && more !== undefined, `${what}: one of them is absent`);
        ensure(durationMs(less) <= durationMs(more), what);
      }
      const { heartbeatInterval, maxReadWait } = limits;
      ensure(heartbeatInterval && durationMs(heartbeatInterval) > 0, 'no heartbeat_interval');
      ensure(maxReadWait && durationMs(maxReadWait) > 0, 'no max_read_wait');
    },
  },
  {
    id: 'INFO-03',
    title: 'What a server says of itself does not change',
    clause: 'ServerService.GetServerInfo',
    async run({ server }) {
      const first = await server.getServerInfo({});
      ensureEqual(await server.getServerInfo({}), first, 'the second answer');
    },
  },
  {
    id: 'INFO-04',
    title: 'A process whose spec names no folder starts in the working directory that is told',
    clause: 'GetServerInfoResponse.working_directory',
    async run(context) {
      const script = 'here=$(pwd -P); cd "$TOLD" && [ "$(pwd -P)" = "$here" ] && echo same';
      const env = { PATH, TOLD: context.info.workingDirectory };
      const output = await context.outputOf(['/bin/sh', '-c', script], { env });
      ensureEqual(output, 'same\n', 'what the process found');
    },
  },
  {
    id: 'INFO-05',
    title: 'The standard health service says that the server and each of its services serve',
    clause: 'docs/conformance.md#health',
    async run({ connection, info, signal }) {
      const files = info.capabilities?.files?.supported === true ? ['FileService'] : [];
      for (const name of ['', 'SessionService', 'ProcessService', 'ServerService', ...files]) {
        const service = name === '' ? '' : `runlet.v1.${name}`;
        ensureEqual(
          await healthOf(connection, service, signal),
          'SERVING',
          `health of "${service}"`,
        );
      }
    },
  },
  {
    id: 'INFO-06',
    title: 'The budgets that all processes share are told, and what may be unacknowledged',
    clause: 'Limits.max_description_bytes',
    async run({ server }) {
      const { limits } = await server.getServerInfo({});
      ensure(limits !== undefined, 'there are no limits');
      const names = ['maxDescriptionBytes', 'outputMemoryBytes', 'unacknowledgedBytes'] as const;
      for (const name of names) ensure(limits[name] > 0n, `${name} is 0`);
    },
  },
  {
    id: 'INFO-07',
    title: 'The caller is told its name, with how it was found out, and what it may do',
    clause: 'Caller',
    async run({ server }) {
      const { caller } = await server.getServerInfo({});
      const { grants = [], name = '' } = caller ?? {};
      ensure(/^(?:none|token|jwt|mtls|peer):./.test(name), `name is ${JSON.stringify(name)}`);
      const unknown = grants.filter((grant) => !GRANTS.has(grant));
      ensureEqual(unknown, [], 'grants that there are not');
      // What these checks need of a caller, whatever else it may do.
      for (const grant of ['start', 'observe', 'input', 'signal']) {
        ensure(grants.includes(grant), `it may not do ${grant}, which the checks do`);
      }
    },
  },
];

/** Those that the contract names: `Caller.grants`. */
const GRANTS: ReadonlySet<string> = new Set([
  'start',
  'observe',
  'input',
  'signal',
  'files:read',
  'files',
  'http',
  'tunnel',
  'admin',
]);

/** What `grpc.health.v1.Health/Check` answers, which has one field each way: no client is generated. */
function healthOf(
  connection: Parameters<Check['run']>[0]['connection'],
  service: string,
  signal: AbortSignal,
): Promise<string> {
  const name = Buffer.from(service);
  const request =
    name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  return new Promise((resolve, reject) => {
    const call = connection.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      request,
      (error, response) => {
        if (error !== null || response === undefined) reject(error);
        else resolve(response.equals(SERVING) ? 'SERVING' : `bytes ${response.toString('hex')}`);
      },
    );
    signal.addEventListener('abort', () => call.cancel());
  });
}

/** A `HealthCheckResponse` whose field 1, `status`, is 1, `SERVING`. */
const SERVING = Buffer.from([0x08, 0x01]);
