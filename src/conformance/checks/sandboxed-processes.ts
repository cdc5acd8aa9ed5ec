import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { EndReason, OutputStream } from '../../gen/runlet/v1/event_pb.ts';
import { StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { SandboxAccess, SandboxPlace } from '../../gen/runlet/v1/sandbox_pb.ts';
import { Signal, SignalScope } from '../../gen/runlet/v1/signal_pb.ts';
import { ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import { specOf } from '../context.ts';
import { closedOf, exitedOf, kindsOf, statusOf, textOf } from '../event-reader.ts';
import {
  outputIn,
  readable,
  runIn,
  type SandboxInit,
  shellWith,
  TEMP,
  writable,
} from '../sandboxes.ts';

import { IN_GROUP, reached } from './signals.ts';

const START_FAILED = 'FAILED_PRECONDITION/START_FAILED';

/** That processes in a sandbox are processes as all others. */
export const sandboxedProcesses: readonly Check[] = [
  {
    id: 'SANDBOX-27',
    title: 'How a process ended is told exactly: a code of 137 is not SIGKILL',
    clause: 'ProcessExited.status',
    needs: 'sandbox',
    async run(context) {
      for (const [script, expected] of [
        ['exit 0', 'code 0'],
        ['exit 137', 'code 137'],
        ['exit 143', 'code 143'],
        ['kill -KILL $$', `signal ${Signal.KILL}`],
        ['kill -TERM $$', `signal ${Signal.TERM}`],
      ] as const) {
        const events = await runIn(context, shellWith(), script);
        ensureEqual(statusOf(exitedOf(events)), expected, script);
      }
    },
  },
  {
    id: 'SANDBOX-28',
    title: 'Signals reach a process inside, in the scope that is asked for',
    clause: 'ProcessService.SignalProcess',
    needs: 'sandbox',
    async run(context) {
      const spec = { sandbox: shellWith(), cwd: '/' };
      for (const [scope, expected] of [
        [SignalScope.LEADER, ['leader']],
        [SignalScope.GROUP, ['leader', 'member']],
        [SignalScope.TREE, ['leader', 'member']],
      ] as const) {
        const who = await reached(context, IN_GROUP, scope, spec);
        ensureEqual(who, expected, `whom ${SignalScope[scope]} reaches`);
      }
    },
  },
  {
    id: 'SANDBOX-29',
    title:
      'Standard streams are as they are outside: stdin, both outputs, and one merged into the other',
    clause: 'ProcessSpec.stdin',
    needs: 'sandbox',
    async run(context) {
      const script = 'cat; echo error >&2';
      const spec = { sandbox: shellWith(), cwd: '/', stdin: StdinMode.PIPE };
      const apart = await context.startShell(script, spec);
      await context.write(apart, 'in', { eof: true });
      const events = await context.eventsOf(apart);
      ensureEqual(textOf(events), 'in', 'standard output');
      ensureEqual(textOf(events, OutputStream.STDERR), 'error\n', 'standard error');
      ensureEqual(closedOf(events).outputComplete, true, 'whether output is complete');
    },
  },
  {
    id: 'SANDBOX-30',
    title: 'A process inside has a terminal that is its own',
    clause: 'ProcessSpec.terminal',
    needs: ['sandbox', 'terminals'],
    async run(context) {
      const terminal = { size: { columns: 101, rows: 33 } };
      const script = 'stty size; test -t 0 && : > /dev/tty && echo controlling';
      const events = await runIn(context, shellWith(), script, { terminal });
      const output = textOf(events, OutputStream.TERMINAL).replaceAll('\r', '');
      ensureEqual(output, '33 101\ncontrolling\n', 'what it shows');
    },
  },
  {
    id: 'SANDBOX-31',
    title: 'Limits hold inside',
    clause: 'ProcessSpec.limits',
    needs: ['sandbox', 'limits'],
    async run(context) {
      const limits = { openFiles: 33n, coreBytes: 0n };
      const output = await outputIn(context, shellWith(), 'ulimit -n; ulimit -c', { limits });
      ensureEqual(output, '33\n0\n', 'the limits');
    },
  },
  {
    id: 'SANDBOX-32',
    title: 'What a process leaves behind inside keeps its output open, and ends with it',
    clause: 'ProcessService.TerminateProcess',
    needs: ['sandbox', 'trees'],
    async run(context) {
      const folder = await context.makeFolder();
      const sandbox = shellWith(writable(folder.path));
      const script = `setsid sh -c 'while :; do echo x >> ${folder.at('alive')}; sleep 0.05; done' & sleep 0.2; exit 3`;
      const target = await context.startShell(script, { sandbox, cwd: '/' });
      const reader = context.watch(target);
      const events = await reader.untilKind('exited');
      ensureEqual(statusOf(exitedOf(events)), 'code 3', 'its end');
      await context.processes.terminateProcess({ ...target, grace: durationFromMs(0) });
      await reader.rest();
      const size = await folder.sh('wc -c < alive');
      await context.letPass(300);
      ensureEqual(await folder.sh('wc -c < alive'), size, 'what it writes afterwards');
    },
  },
  {
    id: 'SANDBOX-33',
    title: 'A timeout ends a process inside, with its reason',
    clause: 'ProcessSpec.timeout',
    needs: 'sandbox',
    async run(context) {
      const timeout = durationFromMs(200);
      const events = await runIn(context, shellWith(), 'sleep 1000 & wait', { timeout });
      ensureEqual(exitedOf(events).reason, EndReason.TIMED_OUT, 'the reason');
      ensureEqual(kindsOf(events).at(-1), 'closed', 'the last event');
    },
  },
  {
    id: 'SANDBOX-34',
    title: 'A program that is not visible inside fails at its stage, as one that is not there',
    clause: 'START_STAGE_PROGRAM',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder('printf "#!/bin/sh\\n" > program; chmod 755 program');
      const program = folder.at('program');
      const cases: [string, SandboxInit][] = [
        [program, shellWith()],
        ['/bin/sh', { rules: [readable(folder.path)] }],
      ];
      for (const [argv0, sandbox] of cases) {
        const started = context.start([argv0], { sandbox, cwd: '/' });
        const { startFailure } = await ensureFails(started, START_FAILED, argv0);
        ensureEqual([startFailure?.stage, startFailure?.errnoName], [2, 'ENOENT'], 'the failure');
      }
    },
  },
  {
    id: 'SANDBOX-35',
    title:
      'A process starts where its spec says, else in the folder for temporary files, else at the root',
    clause: 'ProcessSpec.sandbox',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder('mkdir hidden');
      const pwd = async (spec: object): Promise<string> =>
        textOf(await context.eventsOf(await context.start(['/bin/pwd', '-P'], spec))).trim();
      ensureEqual(await pwd({ sandbox: shellWith(TEMP) }), '/tmp', 'with a folder for files');
      ensureEqual(await pwd({ sandbox: shellWith() }), '/', 'without one');
      const cwd = folder.path;
      ensureEqual(await pwd({ sandbox: shellWith(readable(cwd)), cwd }), cwd, 'what is named');
      const out = context.startShell('true', { sandbox: shellWith(), cwd });
      const { startFailure } = await ensureFails(out, START_FAILED, 'a folder that is not visible');
      ensureEqual(startFailure?.stage, 1, 'the stage');
    },
  },
  {
    id: 'SANDBOX-36',
    title: 'A repeated start with another sandbox is refused',
    clause: 'StartProcessRequest.request_id',
    needs: 'sandbox',
    async run({ processes, sessionId }) {
      const request = { sessionId, requestId: 'once' };
      const argv = ['/bin/sh', '-c', 'true'];
      await processes.startProcess({ ...request, spec: specOf(argv, { sandbox: shellWith() }) });
      const other = { rules: [{ place: SandboxPlace.ROOT, access: SandboxAccess.READ }] };
      const again = processes.startProcess({ ...request, spec: specOf(argv, { sandbox: other }) });
      await ensureFails(again, 'ALREADY_EXISTS/REQUEST_MISMATCH', 'another sandbox');
    },
  },
  {
    id: 'SANDBOX-37',
    title: '`Run` has a sandbox, too',
    clause: 'ProcessService.Run',
    needs: 'sandbox',
    async run(context) {
      const script = 'test -e /var/log || test -e /root || test -e /home || echo none';
      const { processes } = context;
      const spec = specOf(['/bin/sh', '-c', script], { sandbox: shellWith(), cwd: '/' });
      const parts: string[] = [];
      for await (const { events } of processes.run({ spec })) parts.push(textOf(events));
      ensureEqual(parts.join(''), 'none\n', 'what there is');
    },
  },
];
