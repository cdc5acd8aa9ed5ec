import { callErrorDetails, isCallError } from '../../../src/client/call-error.ts';
import { RunletError } from '../../../src/errors.ts';
import type {
  EnvPolicy,
  TerminalState,
  WriteStdinRequest,
} from '../../../src/gen/runlet/v1/process_pb.ts';
import { Inherit } from '../../../src/gen/runlet/v1/process_pb.ts';
import { onEachEvent, onProcesses, onRequests, onStarts, type Start } from './hooks.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

/** Changes every policy that something is started with. */
function onPolicies(
  real: Services,
  change: (policy: EnvPolicy, spec: Start['spec']) => void,
): Services {
  return onStarts(real, ({ spec }) => {
    if (spec.envPolicy !== undefined) change(spec.envPolicy, spec);
  });
}

/** Changes every write to the stdin of a process with a terminal. */
function onTyped(real: Services, change: (request: WriteStdinRequest) => void): Services {
  const withTerminal = new Set<string>();
  const started = onStarts(real, ({ processId, spec }) => {
    if (spec.terminal !== undefined) withTerminal.add(processId);
  });
  return onRequests(started, ['writeStdin'], (request) => {
    if (withTerminal.has(request.processId)) change(request);
  });
}

/** Whether a pattern matches a name if it regards case. */
function matches(pattern: string, name: string): boolean {
  const literal = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(name);
}

function without(
  set: Readonly<Record<string, string>>,
  gone: (name: string) => boolean,
): Record<string, string> {
  return Object.fromEntries(Object.entries(set).filter(([name]) => !gone(name)));
}

/** Terminals and the environment. */
export const ofTerminals: readonly Mutant[] = [
  {
    fault:
      'a process on a terminal has a terminal for its input and output, but not for its errors',
    fails: ['TERM-01'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        if (spec.terminal !== undefined) {
          spec.argv = ['/bin/sh', '-c', 'exec "$@" 2> /dev/null', 'sh', ...spec.argv];
        }
      }),
  },
  {
    fault: 'columns and rows are mistaken for each other',
    fails: ['TERM-02', 'TERM-12'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        const size = spec.terminal?.size;
        if (size !== undefined) [size.columns, size.rows] = [size.rows, size.columns];
      }),
  },
  {
    fault: 'a terminal without a name is dumb',
    fails: ['TERM-03'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        if (spec.terminal?.term === '') spec.terminal.term = 'dumb';
      }),
  },
  {
    fault: 'to resize a terminal does nothing',
    fails: ['TERM-04', 'TERM-08', 'TERM-11', 'TERM-12', 'ERROR-06'],
    mutate: (real) => ({
      ...real,
      resizeTerminal: () => Promise.resolve({ $typeName: 'runlet.v1.ResizeTerminalResponse' }),
    }),
  },
  {
    fault: 'control characters are left out of what is written',
    fails: ['TERM-05'],
    mutate: (real) =>
      onRequests(real, ['writeStdin'], (request) => {
        if (request.data[0] === 3) request.data = request.data.subarray(1);
      }),
  },
  {
    fault: '`eof` does nothing on a terminal',
    fails: ['TERM-06', 'TERM-10'],
    mutate: (real) =>
      onTyped(real, (request) => {
        request.eof = false;
      }),
  },
  {
    fault: '`eof` on a terminal hands over a line that is not ended, and no more',
    fails: ['TERM-10'],
    mutate: (real) => {
      const unfinished = new Set<string>();
      return onTyped(real, (request) => {
        const { data, eof, processId } = request;
        if (data.byteLength > 0 && data.at(-1) !== 10) unfinished.add(processId);
        if (!eof || !unfinished.has(processId)) return;
        request.eof = false;
        request.data = Buffer.concat([data, Buffer.from([4])]);
      });
    },
  },
  {
    fault: 'it is not told that a process has a terminal',
    fails: ['TERM-07'],
    mutate: (real) =>
      onProcesses(real, (process) => {
        process.hasTerminal = false;
      }),
  },
  {
    fault: 'of a terminal no modes are told',
    fails: ['TERM-11'],
    mutate: (real) =>
      onProcesses(real, ({ terminal }) => {
        if (terminal !== undefined) terminal.modes = Buffer.of();
      }),
  },
  {
    fault: 'the size of a terminal is told as it was at the start',
    fails: ['TERM-11'],
    mutate: (real) => {
      const sizes = new Map<string, TerminalState['size']>();
      return onProcesses(real, ({ processId, terminal }) => {
        if (terminal === undefined) return;
        const first = sizes.get(processId);
        if (first === undefined) sizes.set(processId, terminal.size);
        else terminal.size = first;
      });
    },
  },
  {
    fault: 'a new size of a terminal is not told',
    fails: ['TERM-12'],
    mutate: (real) =>
      onEachEvent(real, ({ event }) => {
        if (event.case !== 'resized' || event.value.columns !== 55) return;
        event.value.columns = 101;
        event.value.rows = 33;
      }),
  },
  {
    fault: 'to resize a terminal that there is not succeeds',
    fails: ['TERM-08'],
    mutate: (real) => ({
      ...real,
      async resizeTerminal(request, context) {
        try {
          return await real.resizeTerminal(request, context);
        } catch (error) {
          const reason = isCallError(error) ? callErrorDetails(error).info?.reason : undefined;
          if (reason !== 'NO_TERMINAL') throw error;
          return { $typeName: 'runlet.v1.ResizeTerminalResponse' };
        }
      },
    }),
  },
  {
    fault: 'a process with a terminal is the child of a shell that leads its session',
    fails: ['TERM-09'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        if (spec.terminal === undefined) return;
        spec.argv = ['/bin/sh', '-c', 'trap : INT HUP; "$@"; exit $?', 'sh', ...spec.argv];
      }),
  },
  {
    fault: '`open_files` that are too few are made enough, as is a CPU time of none',
    fails: ['LIMIT-02'],
    mutate: (real) =>
      onStarts(real, ({ spec: { limits } }) => {
        if (limits?.openFiles === 2n) limits.openFiles = 20n;
        if (limits?.cpuSeconds === 0n) limits.cpuSeconds = 1n;
      }),
  },
  {
    fault: '`INHERIT_NONE` inherits the core variables',
    fails: ['ENV-02', 'ENV-08'],
    mutate: (real) =>
      onPolicies(real, (policy) => {
        if (policy.inherit === Inherit.NONE) policy.inherit = Inherit.CORE;
      }),
  },
  {
    fault: '`INHERIT_CORE` inherits everything',
    fails: ['ENV-03'],
    mutate: (real) =>
      onPolicies(real, (policy) => {
        if (policy.inherit === Inherit.CORE) policy.inherit = Inherit.ALL;
      }),
  },
  {
    fault: 'nothing is inherited by default',
    fails: ['ENV-04'],
    mutate: (real) =>
      onPolicies(real, (policy) => {
        if (policy.inherit === Inherit.UNSPECIFIED) policy.inherit = Inherit.NONE;
      }),
  },
  {
    fault: 'names that look like secrets are inherited',
    fails: ['ENV-05'],
    mutate: (real) =>
      onPolicies(real, (policy) => {
        policy.ignoreDefaultExcludes = true;
      }),
  },
  {
    fault: "the server's own variables count among those that look like secrets",
    fails: ['ENV-06'],
    mutate: (real) =>
      onPolicies(real, (policy, spec) => {
        if (policy.ignoreDefaultExcludes) spec.env['RUNLET_ADDRESS'] = 'unix:/run/runlet.sock';
      }),
  },
  {
    fault: '`exclude` does not concern what is inherited',
    fails: ['ENV-07'],
    mutate: (real) =>
      onPolicies(real, (policy) => {
        policy.exclude = [];
      }),
  },
  {
    fault: '`exclude` is applied after `set`',
    fails: ['ENV-08'],
    mutate: (real) =>
      onPolicies(real, (policy) => {
        const { exclude } = policy;
        policy.set = without(policy.set, (name) => exclude.some((one) => matches(one, name)));
      }),
  },
  {
    fault: '`set` is applied after `include_only`',
    fails: ['ENV-09', 'ENV-11'],
    mutate: (real) =>
      onPolicies(real, (policy, spec) => {
        spec.env = { ...policy.set, ...spec.env };
      }),
  },
  {
    fault: '`set` wins over `env`',
    fails: ['ENV-10'],
    mutate: (real) =>
      onPolicies(real, (policy, spec) => {
        spec.env = { ...spec.env, ...without(policy.set, (name) => !(name in spec.env)) };
      }),
  },
  {
    fault: 'patterns regard case',
    fails: ['ENV-11'],
    mutate: (real) =>
      onPolicies(real, (policy) => {
        const { includeOnly } = policy;
        if (includeOnly.length === 0) return;
        policy.set = without(policy.set, (name) => !includeOnly.some((one) => matches(one, name)));
      }),
  },
  {
    fault: 'it says that it has terminals, and has none',
    fails: [
      'INTERACT-09',
      'TERM-01',
      'TERM-02',
      'TERM-03',
      'TERM-04',
      'TERM-05',
      'TERM-06',
      'TERM-07',
      'TERM-09',
      'TERM-10',
      'TERM-11',
      'TERM-12',
    ],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        if (spec.terminal !== undefined) throw new RunletError('START_FAILED');
      }),
  },
];
