import { lstatSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { RunletError } from '../../../src/errors.ts';
import {
  GetProcessRequestSchema,
  TerminateProcessResponseSchema,
} from '../../../src/gen/runlet/v1/process_pb.ts';
import {
  type Sandbox,
  SandboxAccess,
  SandboxNetwork,
  SandboxPlace,
  type SandboxRule,
  SandboxRuleSchema,
} from '../../../src/gen/runlet/v1/sandbox_pb.ts';
import { type Signal, SignalScope } from '../../../src/gen/runlet/v1/signal_pb.ts';
import {
  onEachEvent,
  onProcesses,
  onRequests,
  onResponses,
  onStarts,
  type Start,
} from './hooks.ts';
import { onTreeOpens, onWriteOpens, reasonOf } from './hooks-of-files.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

const { NONE, READ, WRITE } = SandboxAccess;
const { CWD, PLATFORM, ROOT, TEMP } = SandboxPlace;

/** Changes the sandbox of every process. */
function onSandboxes(real: Services, change: (sandbox: Sandbox, start: Start) => void): Services {
  return onStarts(real, (start) => {
    if (start.spec.sandbox !== undefined) change(start.spec.sandbox, start);
  });
}

/** Changes every spec that has a sandbox. */
function onSandboxed(real: Services, change: (spec: Start['spec']) => void): Services {
  return onStarts(real, ({ spec }) => {
    if (spec.sandbox !== undefined) change(spec);
  });
}

/** Changes the rules of the sandbox of every process. */
function onRules(
  real: Services,
  change: (rules: readonly SandboxRule[]) => readonly SandboxRule[],
): Services {
  return onSandboxes(real, (sandbox) => {
    sandbox.rules = [...change(sandbox.rules)];
  });
}

/** The same for all requests of files. */
function onFileSandboxes(
  real: Services,
  change: (request: { sandbox?: Sandbox | undefined }) => void,
): Services {
  const plain = onRequests(
    real,
    [
      'statFile',
      'readFile',
      'listDirectory',
      'walkDirectory',
      'createDirectory',
      'removeFile',
      'moveFile',
      'copyFile',
      'setFileAttributes',
      'createSymlink',
      'resolvePath',
      'watchDirectory',
      'readTree',
    ],
    change,
  );
  return onTreeOpens(onWriteOpens(plain, change), change);
}

function onFileRules(
  real: Services,
  change: (rules: readonly SandboxRule[]) => readonly SandboxRule[],
): Services {
  return onFileSandboxes(real, ({ sandbox }) => {
    if (sandbox !== undefined) sandbox.rules = [...change(sandbox.rules)];
  });
}

function accessInstead(from: SandboxAccess, to: SandboxAccess) {
  return (rules: readonly SandboxRule[]): readonly SandboxRule[] =>
    rules.map((rule) =>
      rule.access === from && rule.path !== '' ? { ...rule, access: to } : rule,
    );
}

function rule(init: { path?: string; place?: SandboxPlace; access: SandboxAccess }): SandboxRule {
  return create(SandboxRuleSchema, init);
}

const withoutDenials = (rules: readonly SandboxRule[]): readonly SandboxRule[] =>
  rules.filter(({ access }) => access !== NONE);

/** Sandboxes. */
export const ofSandboxes: readonly Mutant[] = [
  {
    fault: 'it ignores the sandboxes of processes',
    fails: [
      'SANDBOX-01',
      'SANDBOX-02',
      'SANDBOX-04',
      'SANDBOX-05',
      'SANDBOX-06',
      'SANDBOX-07',
      'SANDBOX-08',
      'SANDBOX-09',
      'SANDBOX-11',
      'SANDBOX-12',
      'SANDBOX-13',
      'SANDBOX-14',
      'SANDBOX-15',
      'SANDBOX-16',
      'SANDBOX-17',
      'SANDBOX-20',
      'SANDBOX-21',
      'SANDBOX-22',
      'SANDBOX-23',
      'SANDBOX-24',
      'SANDBOX-34',
      'SANDBOX-35',
      'SANDBOX-36',
      'SANDBOX-37',
      'SANDBOX-46',
    ],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        spec.sandbox = undefined;
      }),
  },
  {
    fault: 'it ignores the sandboxes of files',
    fails: ['SANDBOX-40', 'SANDBOX-41', 'SANDBOX-43', 'SANDBOX-44', 'SANDBOX-45', 'SANDBOX-46'],
    mutate: (real) =>
      onFileSandboxes(real, (request) => {
        request.sandbox = undefined;
      }),
  },
  {
    fault: 'all of the machine can be read in a sandbox',
    fails: ['SANDBOX-01', 'SANDBOX-11', 'SANDBOX-17', 'SANDBOX-34', 'SANDBOX-35', 'SANDBOX-37'],
    mutate: (real) => onRules(real, (rules) => [...rules, rule({ place: ROOT, access: READ })]),
  },
  {
    fault: 'what may be read may be changed',
    fails: ['SANDBOX-02', 'SANDBOX-05', 'SANDBOX-08', 'SANDBOX-11', 'SANDBOX-46'],
    mutate: (real) => onRules(real, accessInstead(READ, WRITE)),
  },
  {
    fault: 'what may be changed may be read alone',
    fails: [
      'SANDBOX-03',
      'SANDBOX-04',
      'SANDBOX-05',
      'SANDBOX-06',
      'SANDBOX-11',
      'SANDBOX-32',
      'SANDBOX-46',
    ],
    mutate: (real) => onRules(real, accessInstead(WRITE, READ)),
  },
  {
    fault: 'nothing is denied in a sandbox',
    fails: ['SANDBOX-04', 'SANDBOX-05', 'SANDBOX-06', 'SANDBOX-07', 'SANDBOX-08', 'SANDBOX-09'],
    mutate: (real) => onRules(real, withoutDenials),
  },
  {
    fault: 'of rules for one path the one with more rights counts',
    fails: ['SANDBOX-06'],
    mutate: (real) =>
      onRules(real, (rules) =>
        rules.filter(
          ({ access, path }) =>
            path === '' ||
            !rules.some((other) => other.path === path && rankOf(other.access) > rankOf(access)),
        ),
      ),
  },
  {
    fault: 'what rules name may be missing',
    fails: ['SANDBOX-07'],
    mutate: (real) => onRules(real, (rules) => rules.map((each) => ({ ...each, missingOk: true }))),
  },
  {
    fault: 'rules for what is not there are left out',
    fails: ['SANDBOX-08'],
    mutate: (real) => onRules(real, (rules) => rules.filter(({ missingOk }) => !missingOk)),
  },
  {
    fault: 'links in rules are not followed',
    fails: ['SANDBOX-10'],
    mutate: (real) =>
      onRules(real, (rules) => rules.filter(({ path }) => path === '' || !isLink(path))),
  },
  {
    fault: 'a rule for a file is one for its folder',
    fails: ['SANDBOX-04', 'SANDBOX-11'],
    mutate: (real) =>
      onRules(real, (rules) =>
        rules.map((each) => (isFile(each.path) ? { ...each, path: dirname(each.path) } : each)),
      ),
  },
  {
    fault: 'the platform is all of the machine, which may be changed',
    fails: [
      'SANDBOX-01',
      'SANDBOX-10',
      'SANDBOX-11',
      'SANDBOX-12',
      'SANDBOX-34',
      'SANDBOX-35',
      'SANDBOX-37',
    ],
    mutate: (real) =>
      onRules(real, (rules) =>
        rules.map((each) =>
          each.place === PLATFORM ? rule({ place: ROOT, access: WRITE }) : each,
        ),
      ),
  },
  {
    fault: 'the folder for temporary files is that of the machine',
    fails: ['SANDBOX-13', 'SANDBOX-35'],
    mutate: (real) =>
      onRules(real, (rules) =>
        rules.map((each) => (each.place === TEMP ? rule({ path: '/tmp', access: WRITE }) : each)),
      ),
  },
  {
    fault: 'the root is the platform',
    fails: ['SANDBOX-14', 'SANDBOX-16', 'SANDBOX-36'],
    mutate: (real) =>
      onRules(real, (rules) =>
        rules.map((each) => (each.place === ROOT ? rule({ place: PLATFORM, access: READ }) : each)),
      ),
  },
  {
    fault: 'a working directory is taken for one that is named',
    fails: ['SANDBOX-15'],
    mutate: (real) =>
      onSandboxed(real, (spec) => {
        if (spec.sandbox?.rules.some(({ place }) => place === CWD)) spec.cwd ||= '/';
      }),
  },
  {
    fault: 'paths in rules need not be absolute',
    fails: ['SANDBOX-16'],
    mutate: (real) =>
      onRules(real, (rules) =>
        rules.map((each) => (/^[^/]/.test(each.path) ? { ...each, path: '/usr' } : each)),
      ),
  },
  {
    fault: 'it takes fewer rules than it tells',
    fails: ['SANDBOX-17'],
    mutate: (real) =>
      onResponses(real, ['getServerInfo'], ({ limits }) => {
        if (limits) limits.maxSandboxRules += 1;
      }),
  },
  {
    fault: 'what enforces a sandbox is not told in the first event',
    fails: ['SANDBOX-20'],
    mutate: (real) =>
      onEachEvent(real, ({ event }) => {
        if (event.case === 'started') event.value.sandbox = '';
      }),
  },
  {
    fault: 'every process is said to be in a sandbox',
    fails: ['SANDBOX-20'],
    mutate: (real) =>
      onProcesses(real, (process) => {
        process.sandbox = 'bubblewrap';
      }),
  },
  {
    fault: 'a sandbox has the network of the machine',
    fails: ['SANDBOX-16', 'SANDBOX-24'],
    mutate: (real) =>
      onSandboxes(real, (sandbox) => {
        sandbox.network = SandboxNetwork.HOST;
      }),
  },
  {
    fault: 'no sandbox has a network',
    fails: ['SANDBOX-16', 'SANDBOX-25'],
    mutate: (real) =>
      onSandboxes(real, (sandbox) => {
        sandbox.network = SandboxNetwork.NONE;
      }),
  },
  {
    fault: 'a sandbox has variables of its own',
    fails: ['SANDBOX-26'],
    mutate: (real) =>
      onSandboxed(real, ({ env }) => {
        env['IN_SANDBOX'] = '1';
      }),
  },
  {
    fault: 'a code above 128 is taken for a signal',
    fails: ['SANDBOX-27'],
    also: ['LIFE-01'],
    mutate: (real) =>
      onEachEvent(real, ({ event }) => {
        if (event.case !== 'exited') return;
        const status = event.value.status?.status;
        if (status?.case !== 'code' || status.value <= 128) return;
        const signal: Signal = status.value - 128;
        if (event.value.status) event.value.status.status = { case: 'signal', value: signal };
      }),
  },
  {
    fault: 'signals of any scope reach the leader alone',
    fails: ['SANDBOX-28'],
    also: ['END-05', 'LIFE-04', 'LIFE-13', 'RETAIN-05', 'SIGNAL-01', 'SIGNAL-03'],
    mutate: (real) =>
      onRequests(real, ['signalProcess'], (request) => {
        request.scope = SignalScope.LEADER;
      }),
  },
  {
    fault: 'in a sandbox standard error is merged',
    fails: ['SANDBOX-04', 'SANDBOX-08', 'SANDBOX-29'],
    perhaps: ['SANDBOX-28'],
    mutate: (real) =>
      onSandboxed(real, (spec) => {
        spec.mergeStderr = spec.terminal === undefined;
      }),
  },
  {
    fault: 'terminals in a sandbox have one size',
    fails: ['SANDBOX-30'],
    mutate: (real) =>
      onSandboxed(real, ({ terminal }) => {
        if (terminal) terminal.size = undefined;
      }),
  },
  {
    fault: 'limits do not hold in a sandbox',
    fails: ['SANDBOX-31'],
    mutate: (real) =>
      onSandboxed(real, (spec) => {
        spec.limits = undefined;
      }),
  },
  {
    fault: 'a process in a sandbox that exited is not terminated',
    fails: ['SANDBOX-32'],
    mutate: (real) => ({
      ...real,
      async terminateProcess(request, context) {
        const { processId, sessionId } = request;
        const asked = create(GetProcessRequestSchema, { sessionId, processId });
        const { process } = await real.getProcess(asked, context);
        if (process?.exitTime === undefined || process.sandbox === '') {
          return real.terminateProcess(request, context);
        }
        return create(TerminateProcessResponseSchema, { process });
      },
    }),
  },
  {
    fault: 'a timeout does not hold in a sandbox',
    fails: ['SANDBOX-33'],
    mutate: (real) =>
      onSandboxed(real, (spec) => {
        spec.timeout = undefined;
      }),
  },
  {
    fault: 'a process in a sandbox starts at the root where nothing is said',
    fails: ['SANDBOX-15', 'SANDBOX-35'],
    mutate: (real) =>
      onSandboxed(real, (spec) => {
        spec.cwd ||= '/';
      }),
  },
  {
    fault: 'repeats are told apart by what is run alone',
    fails: ['SANDBOX-36'],
    mutate: (real) =>
      onRequests(real, ['startProcess'], (request) => {
        if (request.requestId !== '' && request.spec) request.spec.sandbox = undefined;
      }),
  },
  {
    fault: 'Run has no sandbox',
    fails: ['SANDBOX-37'],
    mutate: (real) =>
      onRequests(real, ['run'], ({ spec }) => {
        if (spec) spec.sandbox = undefined;
      }),
  },
  {
    fault: 'files that may be read in a sandbox may be changed',
    fails: ['SANDBOX-41', 'SANDBOX-46'],
    mutate: (real) => onFileRules(real, accessInstead(READ, WRITE)),
  },
  {
    fault: 'no file may be changed in a sandbox',
    fails: ['SANDBOX-42', 'SANDBOX-46'],
    mutate: (real) => onFileRules(real, accessInstead(WRITE, READ)),
  },
  {
    fault: 'no file is denied in a sandbox',
    fails: ['SANDBOX-43'],
    mutate: (real) => onFileRules(real, withoutDenials),
  },
  {
    fault: 'files have the working directory of the server',
    fails: ['SANDBOX-45'],
    mutate: (real) =>
      onFileSandboxes(real, ({ sandbox }) => {
        if (sandbox?.rules.some(({ place }) => place === CWD)) sandbox.cwd ||= '/';
      }),
  },
  {
    fault: 'a sandbox that cannot be made is a start that failed',
    fails: ['SANDBOX-07'],
    mutate: (real) => ({
      ...real,
      async startProcess(request, context) {
        try {
          return await real.startProcess(request, context);
        } catch (error) {
          if (reasonOf(error) === 'SANDBOX_UNAVAILABLE') throw new RunletError('START_FAILED');
          throw error;
        }
      },
    }),
  },
];

function rankOf(access: SandboxAccess): number {
  return [NONE, READ, WRITE].indexOf(access);
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function isFile(path: string): boolean {
  return path !== '' && statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
