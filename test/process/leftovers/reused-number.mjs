// In a PID namespace of its own: finds two leftovers, gives the number of one to a stranger before
// they are signaled, and tells who runs afterward. The stranger has a mark that is as good.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { LeftoverTree } from '../../../dist/process/leftovers/leftover-tree.js';
import { recordOfThis } from '../../../dist/process/leftovers/server-record.js';
import { KinMarks } from '../../../dist/process/native/kin-marks.js';
import { loadLibc } from '../../../dist/process/native/libc.js';
import { markingOf } from '../../../dist/process/native/marking.js';
import { scanProcess, stillRuns } from '../../../dist/process/process-scan.js';

const libc = loadLibc();
const marks = KinMarks.create(libc);
const mark = marks.take();

function launch() {
  marks.wear(mark);
  const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore', detached: true });
  marks.wear(undefined);
  return child;
}

const record = { ...(await recordOfThis(marks.range)), startTime: '1' };
const tree = new LeftoverTree(record, marks.range, markingOf(libc, marks), () => false);
const one = launch();
const other = launch();
const found = await tree.hasMembers();
const started = scanProcess(one.pid).startTime;
one.kill('SIGKILL');
await once(one, 'exit');
// Clock ticks tell them apart.
let stranger;
do {
  if (stranger !== undefined) {
    stranger.kill('SIGKILL');
    await once(stranger, 'exit');
  }
  writeFileSync('/proc/sys/kernel/ns_last_pid', String(one.pid - 1));
  stranger = launch();
} while (stranger.pid !== one.pid || scanProcess(stranger.pid).startTime === started);
const otherEnded = once(other, 'exit');
tree.signal(9);
await otherEnded;
process.stdout.write(
  JSON.stringify({
    found,
    sameNumber: stranger.pid === one.pid,
    strangerRuns: stillRuns(scanProcess(stranger.pid)),
    otherRuns: scanProcess(other.pid) !== undefined,
  }),
);
stranger.kill('SIGKILL');
