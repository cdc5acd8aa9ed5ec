import { once } from 'node:events';
import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type CliResult, resultOf, spawnCli } from '../support/cli.ts';
import { collect } from '../support/events.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import type { CollectedSpan } from '../support/otlp.ts';
import { modulesOf, type Served, serve } from '../support/served.ts';
import { collectTraces, exportTo, PROTOCOLS } from '../support/trace-collector.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
/** What a client sends that is in a trace. */
const IN_TRACE = { metadata: { traceparent: `00-${TRACE}-${CALLER}-01`, tracestate: 'a=1' } };

const SERVER = 2;
const INTERNAL = 1;
const FAILED = 2;

/** The span with a name, once it has come. */
function named(name: string): (spans: readonly CollectedSpan[]) => CollectedSpan | undefined {
  return (spans) => spans.find((span) => span.name === name);
}

function call(method: string): ReturnType<typeof named> {
  return named(`runlet.v1.ProcessService/${method}`);
}

describe('a server that traces', () => {
  it.each(PROTOCOLS)(
    'tells of a run below its caller, and of the process below the run, by %s',
    async (protocol) => {
      const collector = await collectTraces();
      exportTo(collector.url, protocol);
      const { processes } = connectClients((await serve()).address);
      const spec = { argv: ['/bin/sh', '-c', 'printf secret; exit 3'] };
      await collect(processes.run({ spec }, IN_TRACE));
      const run = await collector.until(call('Run'));
      expect(run).toMatchObject({
        traceId: TRACE,
        parentSpanId: CALLER,
        kind: SERVER,
        status: 0,
        service: 'runlet',
        attributes: {
          'rpc.system.name': 'grpc',
          'rpc.method': 'runlet.v1.ProcessService/Run',
          'rpc.response.status_code': 'OK',
        },
      });
      const life = await collector.until(named('sh'));
      expect(life).toMatchObject({ traceId: TRACE, parentSpanId: run.spanId, kind: INTERNAL });
      expect(life.status).toBe(FAILED);
      expect(life.attributes).toEqual({
        'process.executable.name': 'sh',
        'process.pid': expect.any(Number),
        'process.exit.code': 3,
        'error.type': 'exited',
        'runlet.process.id': run.attributes['runlet.process.id'],
        'runlet.process.end_reason': 'exited',
        'runlet.process.output_complete': true,
        'runlet.process.output.stdout_bytes': 6,
        'runlet.process.output.stderr_bytes': 0,
      });
      expect(life.start >= run.start && life.end <= run.end).toBe(true);
      expect(JSON.stringify(collector.spans.map(({ attributes }) => attributes))).not.toContain(
        'secret',
      );
    },
  );

  it('has a process outlive the call that starts it, and calls link to it', async () => {
    const collector = await collectTraces();
    exportTo(collector.url);
    const { processes, sessions } = connectClients((await serve()).address);
    const { session } = await sessions.createSession({});
    const sessionId = session?.sessionId ?? '';
    const spec = { argv: ['/bin/cat'], stdin: 2 };
    const { process } = await processes.startProcess({ sessionId, spec }, IN_TRACE);
    const processId = process?.processId ?? '';
    const start = await collector.until(call('StartProcess'));
    const watched = collect(processes.watchProcess({ sessionId, processId }));
    await processes.signalProcess({ sessionId, processId, signal: 9 });
    await watched;
    const life = await collector.until(named('cat'));
    const watch = await collector.until(call('WatchProcess'));
    expect(start).toMatchObject({ traceId: TRACE, parentSpanId: CALLER });
    expect(life).toMatchObject({ traceId: TRACE, parentSpanId: start.spanId, status: FAILED });
    expect(life.attributes).toMatchObject({
      'runlet.process.id': processId,
      'runlet.process.exit.signal': 'SIGKILL',
      'runlet.process.end_reason': 'signaled',
    });
    expect(life.end > start.end).toBe(true);
    // It came without a context, and is of a trace of its own.
    expect(watch.traceId).not.toBe(TRACE);
    expect(watch.parentSpanId).toBe('');
    expect(watch.links).toEqual([{ traceId: TRACE, spanId: life.spanId }]);
    expect(watch.attributes).toMatchObject({
      'runlet.session.id': sessionId,
      'runlet.process.id': processId,
    });
  });

  it('tells of failures: those of callers have a reason, and are no faults', async () => {
    const collector = await collectTraces();
    exportTo(collector.url);
    const { processes } = connectClients((await serve()).address);
    const spec = { argv: ['/no/such/program'] };
    await collect(processes.run({ spec }, { metadata: { traceparent: 'malformed' } })).catch(
      () => {},
    );
    const run = await collector.until(call('Run'));
    expect(run).toMatchObject({
      parentSpanId: '',
      status: 0,
      attributes: {
        'rpc.response.status_code': 'FAILED_PRECONDITION',
        'runlet.error.reason': 'START_FAILED',
      },
    });
    // A process that never was has no life.
    expect(collector.spans.filter(({ kind }) => kind === INTERNAL)).toEqual([]);
  });

  it('exports what there is before it ends', async () => {
    const collector = await collectTraces();
    exportTo(collector.url);
    vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '3600000');
    const { address, child } = await serve();
    const { server } = connectClients(address);
    await server.getServerInfo({});
    expect(collector.spans).toEqual([]);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(collector.spans.map(({ name }) => name)).toContain(
      'runlet.v1.ServerService/GetServerInfo',
    );
  });

  it('exports protobuf unless JSON is asked for', async () => {
    const collector = await collectTraces();
    exportTo(collector.url, '');
    const { server } = connectClients((await serve()).address);
    await server.getServerInfo({});
    await collector.until(named('runlet.v1.ServerService/GetServerInfo'));
    expect(collector.requests[0]).toBe('application/x-protobuf');
  });
});

describe('what is loaded', () => {
  const ofTracing = async (served: Served): Promise<readonly string[]> =>
    (await modulesOf(served)).filter((path) => path.includes('opentelemetry'));

  it('has nothing of OpenTelemetry while tracing is off', async () => {
    vi.stubEnv('OTEL_TRACES_EXPORTER', 'none');
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:1');
    onTestFinished(() => void vi.unstubAllEnvs());
    const served = await serve();
    const { processes } = connectClients(served.address);
    await collect(processes.run({ spec: { argv: ['/bin/true'] } }, IN_TRACE));
    expect(await modulesOf(served)).not.toEqual([]);
    expect(await ofTracing(served)).toEqual([]);
  });

  it('has the SDK while it is on', async () => {
    exportTo('http://127.0.0.1:1');
    expect(await ofTracing(await serve())).not.toEqual([]);
  });
});

describe('traces that there cannot be', () => {
  /** What becomes of a server to which no packages are there beside its own. */
  async function served(env: Readonly<Record<string, string>>): Promise<CliResult> {
    const folder = await temporaryFolder();
    const bundle = fileURLToPath(new URL('../../bundle', import.meta.url));
    await cp(bundle, join(folder, 'bundle'), { recursive: true });
    await symlink(join(bundle, '../package.json'), join(folder, 'package.json'));
    const main = join(folder, 'bundle', 'main.js');
    const args = [
      'serve',
      '--listen',
      `unix:${join(folder, 's')}`,
      '--auth',
      'none',
      '--state-dir',
      folder,
    ];
    const child = spawnCli(args, { env: { ...process.env, ...env }, cwd: folder }, main);
    child.stdout?.once('data', () => child.kill('SIGTERM'));
    return resultOf(child);
  }

  it.each([
    [{}, '@opentelemetry/exporter-trace-otlp-proto'],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, '@opentelemetry/exporter-trace-otlp-http'],
  ])('end the server that is told to export them without packages: %j', async (env, name) => {
    const { code, stderr, stdout } = await served({ OTEL_TRACES_EXPORTER: 'otlp', ...env });
    expect([code, stdout.toString()]).toEqual([2, '']);
    expect(stderr).toBe(
      `runlet: traces need packages that are not installed: @opentelemetry/api, @opentelemetry/resources, @opentelemetry/sdk-trace-base, ${name}; see docs/tracing.md\n`,
    );
  });

  it.each([
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, 'OTEL_TRACES_EXPORTER is neither otlp nor none'],
    [
      { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      'OTEL_EXPORTER_OTLP_PROTOCOL is neither http/protobuf nor http/json',
    ],
  ])('end it where they are asked for in another way: %j', async (env, problem) => {
    const { code, stderr } = await served(env);
    expect([code, stderr]).toEqual([2, `runlet: ${problem}; see docs/tracing.md\n`]);
  });

  it('are a line in its log where only an endpoint is known', async () => {
    const { code, stderr } = await served({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
    expect(code).toBe(0);
    expect(stderr).toContain('there are no traces');
  });

  it('are not looked for where the SDK is disabled', async () => {
    const env = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_SDK_DISABLED: 'true' };
    const { code, stderr } = await served(env);
    expect(code).toBe(0);
    expect(stderr).not.toContain('traces');
  });
});
