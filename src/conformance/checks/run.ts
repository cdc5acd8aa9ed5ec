import { EndReason } from '../../gen/runlet/v1/event_pb.ts';
import { ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import { PATH, specOf } from '../context.ts';
import {
  bytesOf,
  EventReader,
  exitedOf,
  gapsOf,
  kindsOf,
  statusOf,
  textOf,
} from '../event-reader.ts';

const sh = (script: string): string[] => ['/bin/sh', '-c', script];

/** `Run`, one process in one call. */
export const run: readonly Check[] = [
  {
    id: 'RUN-01',
    title: '`Run` gives a process its input, and streams its events to the end',
    clause: 'ProcessService.Run',
    async run({ processes }) {
      const request = { spec: specOf(sh('cat; echo error >&2; exit 6')), stdin: Buffer.from('in') };
      const all = await new EventReader(processes.run(request)).rest();
      ensureEqual(textOf(all), 'in', 'the output');
      const kinds = kindsOf(all);
      ensureEqual([kinds[0], kinds.at(-1)], ['started', 'closed'], 'the first event and the last');
      const exited = exitedOf(all);
      ensureEqual(statusOf(exited), 'code 6', 'the status');
      ensureEqual(exited.reason, EndReason.EXITED, 'the reason');
    },
  },
  {
    id: 'RUN-02',
    title: 'Without input, the process of a `Run` reads end-of-file at once',
    clause: 'RunRequest.stdin',
    async run({ processes }) {
      const request = { spec: specOf(sh('cat; echo end')) };
      ensureEqual(textOf(await new EventReader(processes.run(request)).rest()), 'end\n', 'it');
    },
  },
  {
    id: 'RUN-03',
    title: 'Nothing of a `Run` is dropped by default, however little is retained',
    clause: 'ProcessService.Run',
    async run({ processes }) {
      const output = { retainedBytes: 4096n };
      const spec = specOf(sh('head -c 200000 /dev/zero'), { output });
      const all = await new EventReader(processes.run({ spec })).rest();
      ensureEqual(gapsOf(all), [], 'the gaps');
      ensureEqual(bytesOf(all).byteLength, 200_000, 'how many bytes came');
    },
  },
  {
    id: 'RUN-04',
    title: 'To cancel a `Run` ends its process',
    clause: 'END_REASON_CALL_CANCELLED',
    async run(context) {
      const spec = { argv: ['sleep', '1000'], env: { PATH } };
      const reader = new EventReader(context.processes.run({ spec }));
      const [started] = await reader.untilKind('started');
      await reader.leave();
      const pid = started?.event.case === 'started' ? started.event.value.pid : 0n;
      const look = `i=0; while [ $i -lt ${LOOKS} ]; do
        kill -0 ${pid} 2> /dev/null || { echo gone; exit; }
        i=$((i + 1)); sleep 0.05; done`;
      ensureEqual(await context.outputOf(sh(look)), 'gone\n', 'its process');
    },
  },
  {
    id: 'RUN-05',
    title: 'A `Run` that cannot be started fails as a start does',
    clause: 'ProcessService.Run',
    async run({ processes }) {
      const call = new EventReader(processes.run({ spec: specOf(['/nonexistent']) })).rest();
      const { startFailure } = await ensureFails(
        call,
        'FAILED_PRECONDITION/START_FAILED',
        'a Run of no program',
      );
      ensureEqual(startFailure?.errnoName, 'ENOENT', 'errno_name');
    },
  },
];

/** The longest that is looked, 20 times a second. */
const LOOKS = 200;
