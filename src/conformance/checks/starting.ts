import { StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { Signal } from '../../gen/runlet/v1/signal_pb.ts';
import { ensure, ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import { PATH, specOf } from '../context.ts';
import { EventReader, exitedOf, statusOf, textOf } from '../event-reader.ts';

/** What a process is started as. */
export const starting: readonly Check[] = [
  {
    id: 'START-01',
    title: 'Arguments arrive as they are, empty ones, spaces, quotes and newlines included',
    clause: 'ProcessSpec.argv',
    async run(context) {
      const given = ['', 'a b', '$HOME', `'"`, 'two\nlines', '*', 'żółw', ''];
      const script = 'for a do printf "<%s>" "$a"; done';
      const output = await context.outputOf(['/bin/sh', '-c', script, 'sh', ...given]);
      ensureEqual(output, given.map((a) => `<${a}>`).join(''), 'the arguments');
    },
  },
  {
    id: 'START-02',
    title: '`arg0` is what the program sees as its own name',
    clause: 'ProcessSpec.arg0',
    async run(context) {
      const arg0 = '/another/name/of/sh';
      ensureEqual(
        await context.outputOf(['/bin/sh', '-c', 'echo "$0"'], { arg0 }),
        `${arg0}\n`,
        'its name',
      );
    },
  },
  {
    id: 'START-03',
    title: 'A process starts in the folder that its spec names',
    clause: 'ProcessSpec.cwd',
    async run(context) {
      ensureEqual(await context.outputOf(['/bin/sh', '-c', 'pwd'], { cwd: '/' }), '/\n', 'pwd');
    },
  },
  {
    id: 'START-04',
    title: 'The pid that is told is that of the program itself, in `started` and in `Process`',
    clause: 'ProcessStarted.pid',
    async run(context) {
      const target = await context.startShell('echo $$');
      const events = await context.eventsOf(target);
      const pid = BigInt(textOf(events).trim());
      const [first] = events;
      ensureEqual(
        first?.event.case === 'started' ? first.event.value.pid : first?.event.case,
        pid,
        'the pid in the first event',
      );
      ensureEqual((await context.get(target)).pid, pid, 'Process.pid');
    },
  },
  {
    id: 'START-05',
    title: 'A process is the leader of a process group of its own',
    clause: 'docs/conformance.md#what-a-process-gets',
    async run(context) {
      const output = await context.outputOf(['/bin/sh', '-c', 'kill -0 -$$ && echo leader']);
      ensureEqual(output, 'leader\n', 'whether its group bears its number');
    },
  },
  {
    id: 'START-06',
    title: 'Signals have their default effect in a process, whatever the server does with them',
    clause: 'docs/conformance.md#what-a-process-gets',
    async run(context) {
      const { HUP, INT, PIPE, TERM, USR1 } = Signal;
      for (const signal of [HUP, INT, PIPE, TERM, USR1]) {
        const name = Signal[signal];
        const events = await context.runShell(`kill -${name} $$; echo survived`);
        ensureEqual(statusOf(exitedOf(events)), `signal ${signal}`, `its end by ${name}`);
      }
    },
  },
  {
    id: 'START-07',
    title: 'A process has its standard streams and no other descriptor below 10',
    clause: 'docs/conformance.md#what-a-process-gets',
    async run(context) {
      const script =
        'for fd in 3 4 5 6 7 8 9; do if (eval ": >&$fd") 2>/dev/null; then echo $fd; fi; done';
      ensureEqual(await context.outputOf(['/bin/sh', '-c', script]), '', 'further descriptors');
    },
  },
  {
    id: 'START-08',
    title: 'Standard streams are pipes, which a program can open by their paths',
    clause: 'docs/conformance.md#what-a-process-gets',
    needs: 'pipes',
    async run(context) {
      const script = 'cat /dev/stdin > /dev/stdout';
      const target = await context.startShell(script, { stdin: StdinMode.PIPE });
      await context.write(target, 'by path', { eof: true });
      ensureEqual(textOf(await context.eventsOf(target)), 'by path', 'what came through');
    },
  },
  {
    id: 'START-09',
    title: 'A start that is repeated with its `request_id` returns the process that it started',
    clause: 'StartProcessRequest.request_id',
    async run({ processes, sessionId }) {
      const request = { sessionId, requestId: 'once', spec: specOf(['/bin/sh', '-c', 'true']) };
      const first = await processes.startProcess(request);
      const second = await processes.startProcess(request);
      ensure(first.process?.processId, 'the server made no id');
      ensureEqual(second.process?.processId, first.process.processId, 'the process of the retry');
      const listed = await processes.listProcesses({ sessionId });
      ensureEqual(listed.processes.length, 1, 'how many processes were started');
    },
  },
  {
    id: 'START-10',
    title: 'A `request_id` that is used for another spec is refused',
    clause: 'ERROR_REASON_REQUEST_MISMATCH',
    async run({ processes, sessionId }) {
      const request = (script: string) => ({
        sessionId,
        processId: 'mismatched',
        requestId: 'once',
        spec: specOf(['/bin/sh', '-c', script]),
      });
      await processes.startProcess(request('true'));
      await ensureFails(
        processes.startProcess(request('false')),
        'ALREADY_EXISTS/REQUEST_MISMATCH',
        'the same request_id with another spec',
      );
    },
  },
  {
    id: 'START-11',
    title: 'An id that is in use is refused, also if its process has ended',
    clause: 'ERROR_REASON_PROCESS_EXISTS',
    async run(context) {
      const target = await context.startShell('true');
      await context.processes.waitProcess(target);
      await ensureFails(
        context.startShell('true', {}, target),
        'ALREADY_EXISTS/PROCESS_EXISTS',
        'a start with the same id',
      );
    },
  },
  {
    id: 'START-12',
    title: 'The same id in another session is another process',
    clause: 'StartProcessRequest.process_id',
    async run(context) {
      const other = { sessionId: await context.createSession(), processId: 'same' };
      const mine = await context.startShell('echo mine', {}, { processId: 'same' });
      await context.startShell('echo other', {}, other);
      ensureEqual(textOf(await context.eventsOf(mine)), 'mine\n', 'the output of one');
      ensureEqual(textOf(await context.eventsOf(other)), 'other\n', 'the output of the other');
    },
  },
  {
    id: 'START-13',
    title: 'A name without a slash is looked up in the PATH of the process, not of the server',
    clause: 'ProcessSpec.argv',
    async run(context) {
      const found = await context.outputOf(['sh', '-c', 'echo found'], { env: { PATH } });
      ensureEqual(found, 'found\n', 'a program in its PATH');
      const nowhere = context.start(['sh', '-c', 'true'], { env: { PATH: '/nonexistent' } });
      await ensureFails(nowhere, 'FAILED_PRECONDITION/START_FAILED', 'one that is not in its PATH');
      const systems = await context.outputOf(['sh', '-c', 'echo found'], { env: {} });
      ensureEqual(systems, 'found\n', 'a program in the system default path, without a PATH');
    },
  },
  {
    id: 'START-14',
    title: 'Standard error can be sent where standard output goes, in the order of the writes',
    clause: 'ProcessSpec.merge_stderr',
    needs: 'merge_stderr',
    async run({ processes }) {
      const script = 'echo 1; echo 2 >&2; echo 3; echo 4 >&2';
      const spec = specOf(['/bin/sh', '-c', script], { mergeStderr: true });
      const events = await new EventReader(processes.run({ spec })).rest();
      ensureEqual(textOf(events), '1\n2\n3\n4\n', 'standard output');
    },
  },
];
