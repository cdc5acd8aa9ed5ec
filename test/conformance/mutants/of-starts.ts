import { existsSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { RunletError } from '../../../src/errors.ts';
import { EnvPolicySchema, Inherit } from '../../../src/gen/runlet/v1/process_pb.ts';
import { onEvents, onFailures, onProcesses, onRequests, onResponses, onStarts } from './hooks.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

/** Starts every program through a shell that does something before. */
function startThrough(real: Services, script: string): Services {
  const prefix = ['/bin/sh', '-c', script, 'sh'];
  const started = onStarts(real, ({ spec }) => {
    const plain = spec.arg0 === '' && spec.terminal === undefined;
    if (plain && spec.argv[0] === '/bin/sh') spec.argv = [...prefix, ...spec.argv];
  });
  return onProcesses(started, (process) => {
    if (process.argv[2] === script) process.argv = process.argv.slice(prefix.length);
  });
}

/** What a server says of itself, and what it makes of a start. */
export const ofStarts: readonly Mutant[] = [
  {
    fault: 'it does not tell its working directory',
    fails: ['INFO-01'],
    mutate: (real) =>
      onResponses(real, ['getServerInfo'], (info) => {
        info.workingDirectory = '';
      }),
  },
  {
    fault: 'its default of a limit is above the maximum',
    fails: ['INFO-02', 'REQUEST-08'],
    mutate: (real) =>
      onResponses(real, ['getServerInfo'], ({ limits }) => {
        if (limits?.maxRetention) limits.maxRetention.seconds = 1n;
      }),
  },
  {
    fault: 'it does not tell how much descriptions may take',
    fails: ['INFO-06'],
    mutate: (real) =>
      onResponses(real, ['getServerInfo'], ({ limits }) => {
        if (limits) limits.maxDescriptionBytes = 0n;
      }),
  },
  {
    fault: 'it tells another version each time',
    fails: ['INFO-03'],
    mutate: (real) => {
      let count = 0;
      return onResponses(real, ['getServerInfo'], (info) => {
        count += 1;
        info.version = `1.0.${count}`;
      });
    },
  },
  {
    fault: 'it does not tell its callers who they are',
    fails: ['INFO-07', 'SESSION-13'],
    mutate: (real) =>
      onResponses(real, ['getServerInfo'], (info) => {
        delete info.caller;
      }),
  },
  {
    fault: 'processes start in the root folder by default',
    fails: ['INFO-04'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        if (spec.cwd === '' && spec.rawCwd.length === 0) spec.cwd = '/';
      }),
  },
  { fault: 'its health service says that it does not serve', fails: ['INFO-05'], serving: false },
  {
    fault: 'empty arguments are dropped',
    fails: ['START-01'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        const [program = '', ...rest] = spec.argv;
        if (program !== '') spec.argv = [program, ...rest.filter((argument) => argument !== '')];
      }),
  },
  {
    fault: '`arg0` is ignored',
    fails: ['START-02'],
    also: ['BYTES-05'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        spec.arg0 = '';
      }),
  },
  {
    fault: '`user` is ignored',
    fails: ['USER-01', 'USER-02', 'USER-03'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        spec.user = '';
      }),
  },
  {
    fault: '`cwd` is ignored',
    fails: ['START-03', 'REQUEST-02', 'REQUEST-03', 'ERROR-04'],
    also: ['BYTES-05'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        spec.cwd = '';
      }),
  },
  {
    fault: 'the pid in `started` is not that of the process',
    fails: ['START-04'],
    mutate: (real) =>
      onEvents(real, () => (event) => {
        if (event.event.case === 'started') event.event.value.pid += 1_000_000_000n;
        return [event];
      }),
  },
  {
    fault: 'processes are children of a shell that waits for them',
    fails: [
      'START-04',
      'START-05',
      'START-06',
      'LIFE-02',
      'LIFE-11',
      'STDIN-08',
      'SIGNAL-02',
      'SIGNAL-04',
      'INTERACT-05',
      'SESSION-08',
      'BEAT-03',
    ],
    // The shell outlives the signals that its child gets too, and says of some that they came.
    mutate: (real) => startThrough(real, 'trap : HUP INT TERM USR1 USR2; "$@"; exit $?'),
  },
  {
    fault: 'processes ignore SIGPIPE',
    fails: ['START-06'],
    mutate: (real) => startThrough(real, 'trap "" PIPE; exec "$@"'),
  },
  {
    fault: 'processes have a descriptor of the server',
    fails: ['START-07'],
    mutate: (real) => startThrough(real, 'exec 7< /dev/null; exec "$@"'),
  },
  {
    fault: 'processes have sockets for pipes',
    fails: ['START-08'],
    launcher: 'child_process',
    mutate: (real) =>
      onResponses(real, ['getServerInfo'], ({ capabilities }) => {
        if (capabilities) capabilities.launcher = 'posix_spawn';
      }),
  },
  {
    fault: '`request_id` is ignored',
    fails: ['START-09', 'START-10', 'RETAIN-04'],
    mutate: (real) =>
      onRequests(real, ['startProcess'], (request) => {
        if (request.requestId.length <= 128 && !request.requestId.includes('\n')) {
          request.requestId = '';
        }
      }),
  },
  {
    fault: 'a `request_id` that is used again returns the process, whatever the spec',
    fails: ['START-10'],
    mutate: (real) => returningInstead(real, 'REQUEST_MISMATCH'),
  },
  {
    fault: 'an id that is in use returns its process',
    fails: ['START-11', 'ERROR-01'],
    mutate: (real) => returningInstead(real, 'PROCESS_EXISTS'),
  },
  {
    fault: 'ids of processes are unique in the server, not in their session',
    fails: ['START-12'],
    mutate: (real) => {
      const owners = new Map<string, string>();
      return onStarts(real, ({ processId, sessionId }) => {
        if (processId === '' || processId.length > 100) return;
        const owner = owners.get(processId) ?? sessionId;
        owners.set(processId, owner);
        if (owner !== sessionId) throw new RunletError('PROCESS_EXISTS');
      });
    },
  },
  {
    fault: "programs are looked up in the server's PATH",
    fails: ['START-13'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        const [program = ''] = spec.argv;
        const path = `/usr/bin/${program}`;
        if (/^\w+$/.test(program) && existsSync(path)) spec.argv[0] = path;
      }),
  },
  {
    fault: '`merge_stderr` is ignored',
    fails: ['START-14'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        spec.mergeStderr = false;
      }),
  },
  {
    fault: '`limits` are ignored',
    fails: ['LIMIT-01', 'LIMIT-02'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        delete spec.limits;
      }),
  },
  {
    fault: 'a process is forgotten as soon as it is closed',
    fails: ['RETAIN-01'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        const { retention } = spec;
        const ms = retention === undefined ? 0 : durationMs(retention);
        if (retention && ms > 0 && ms < 100_000) retention.seconds = 0n;
      }),
  },
  {
    fault: 'no process is told its trace',
    fails: ['ENV-12'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        spec.traceContext = false;
      }),
  },
  {
    fault: 'without a policy all variables of the server are inherited',
    fails: ['ENV-01'],
    also: ['BYTES-02'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        spec.envPolicy ??= create(EnvPolicySchema, { inherit: Inherit.ALL });
      }),
  },
];

/** Answers a start with the process that there is where it fails for a reason. */
function returningInstead(real: Services, forgiven: string): Services {
  const marked = onFailures(real, (error, reason) =>
    reason === forgiven ? new RunletError(forgiven as 'PROCESS_EXISTS') : error,
  );
  return {
    ...real,
    async startProcess(request, context) {
      try {
        return await marked.startProcess(request, context);
      } catch (error) {
        if (!(error instanceof RunletError)) throw error;
        const { processId, sessionId } = request;
        const found = await real.listProcesses(
          {
            $typeName: 'runlet.v1.ListProcessesRequest',
            sessionId,
            pageSize: 0,
            pageToken: '',
            attachmentId: '',
          },
          context,
        );
        const process = found.processes.find((one) => one.processId === processId);
        return { $typeName: 'runlet.v1.StartProcessResponse', ...(process && { process }) };
      }
    },
  };
}
