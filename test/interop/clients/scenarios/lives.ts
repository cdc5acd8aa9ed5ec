import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { isAlive, pidFrom } from '../../../support/pids.ts';
import type { Scenario } from '../scenario.ts';
import { failureOf, type Stage, shell, summaryOf, textOf } from '../stage.ts';

/** How a script ended by itself. */
async function endOf(stage: Stage, process_id: string, script: string) {
  await stage.perform('start', { process_id, spec: shell(stage, script) });
  return (await stage.perform('wait', { process_id })).exited;
}

/** How processes start and end. */
export const LIVES: readonly Scenario[] = [
  {
    name: 'a process in a sandbox changes what it may, and nothing else',
    async play(stage) {
      const [may, mustNot] = ['may', 'must-not'].map((name) => join(stage.folder, name));
      for (const folder of [may, mustNot]) await mkdir(folder ?? '');
      const script = 'for folder do (echo changed > "$folder/file"); done; exit 3';
      const argv = ['/bin/sh', '-c', script, 'sh', may ?? '', mustNot ?? ''];
      const spec = { argv, cwd: '/', writable: [may ?? ''] };
      await stage.perform('start', { process_id: 'inside', spec });
      const { exited } = await stage.perform('wait', { process_id: 'inside' });
      const missing = { ...spec, writable: [join(stage.folder, 'missing')] };
      return {
        code: exited?.code,
        changed: await readdir(may ?? ''),
        kept: await readdir(mustNot ?? ''),
        refused: await summaryOf(stage.perform('start', { process_id: 'none', spec: missing })),
      };
    },
    expected: {
      code: 3,
      changed: ['file'],
      kept: [],
      refused: 'FAILED_PRECONDITION/SANDBOX_UNAVAILABLE',
    },
  },
  {
    name: 'a start that is repeated runs once, and another with its request id is refused',
    async play(stage) {
      const spec = shell(stage, 'echo run >> runs');
      const start = { process_id: 'job', request_id: 'request-1', spec };
      const first = await stage.perform('start', start);
      const again = await stage.perform('start', start);
      await stage.perform('wait', { process_id: 'job' });
      const other = shell(stage, 'echo other >> runs');
      const mismatch = await summaryOf(stage.perform('start', { ...start, spec: other }));
      const exists = await summaryOf(stage.perform('start', { process_id: 'job', spec }));
      return {
        samePid: first.pid === again.pid,
        runs: await readFile(join(stage.folder, 'runs'), 'utf8'),
        mismatch,
        exists,
      };
    },
    expected: {
      samePid: true,
      runs: 'run\n',
      mismatch: 'ALREADY_EXISTS/REQUEST_MISMATCH',
      exists: 'ALREADY_EXISTS/PROCESS_EXISTS',
    },
  },
  {
    name: 'a start that fails says where, and with which error of the system',
    async play(stage) {
      await writeFile(join(stage.folder, 'data'), '', { mode: 0o644 });
      const specs = [
        { argv: ['/no/such/program'] },
        { argv: [join(stage.folder, 'data')] },
        { argv: ['/bin/sh'], cwd: join(stage.folder, 'missing') },
      ];
      const failures = specs.map((spec, i) =>
        failureOf(stage.perform('start', { process_id: `failure-${i}`, spec })),
      );
      return (await Promise.all(failures)).map(
        ({ code, reason, stage: where, errno_name }) => `${code}/${reason}: ${where} ${errno_name}`,
      );
    },
    expected: [
      'FAILED_PRECONDITION/START_FAILED: START_STAGE_PROGRAM ENOENT',
      'FAILED_PRECONDITION/START_FAILED: START_STAGE_PROGRAM EACCES',
      'FAILED_PRECONDITION/START_FAILED: START_STAGE_CWD ENOENT',
    ],
  },
  {
    name: 'terminating a process ends its tree, and says that it was terminated',
    async play(stage) {
      const process_id = 'tree';
      const script = `setsid sh -c 'echo $$; exec sleep 1000' & wait`;
      await stage.perform('start', { process_id, spec: shell(stage, script) });
      const watch = stage.begin('watch', { process_id, reader: 'r', notify_bytes: 1 });
      await watch.note(({ bytes }) => bytes !== undefined);
      const { was_running, exited } = await stage.perform('terminate', { process_id });
      const { streams, closed, exited: told } = await watch.facts;
      const pid = pidFrom(textOf(streams['stdout']?.data));
      expect(pid).toBeGreaterThan(1);
      const again = await stage.perform('terminate', { process_id });
      return {
        was_running: [was_running, again.was_running],
        ends: [exited, told],
        complete: closed?.output_complete,
        descendantLives: isAlive(pid),
      };
    },
    expected: {
      was_running: [true, false],
      ends: Array(2).fill({ signal: 'SIGNAL_TERM', reason: 'END_REASON_TERMINATED' }),
      complete: true,
      descendantLives: false,
    },
  },
  {
    name: 'an exit code of 137 is not a SIGKILL',
    async play(stage) {
      const process_id = 'sleep';
      await stage.perform('start', { process_id, spec: shell(stage, 'exec sleep 1000') });
      await stage.perform('signal', { process_id, signal: 'SIGNAL_KILL' });
      return {
        code: await endOf(stage, 'code', 'exit 137'),
        own: await endOf(stage, 'own', 'kill -KILL $$'),
        sent: (await stage.perform('wait', { process_id })).exited,
        late: await summaryOf(stage.perform('signal', { process_id, signal: 'SIGNAL_TERM' })),
      };
    },
    expected: {
      code: { code: 137, reason: 'END_REASON_EXITED' },
      own: { signal: 'SIGNAL_KILL', reason: 'END_REASON_SIGNALED' },
      sent: { signal: 'SIGNAL_KILL', reason: 'END_REASON_SIGNALED' },
      late: 'FAILED_PRECONDITION/PROCESS_EXITED',
    },
  },
];
