import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { childProcessLauncher } from '../../src/process/child-process-launcher.ts';
import type { LaunchedProcess, Launcher, LaunchRequest } from '../../src/process/launcher.ts';
import { posixSpawnLauncher } from '../../src/process/native/posix-spawn-launcher.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Launches a process, and tells whether what it was launched with is still there. */
async function launch(
  launcher: Launcher,
  more: Partial<LaunchRequest>,
): Promise<{ readonly launched: LaunchedProcess; readonly environment: WeakRef<object> }> {
  const env = new Map([['PASSWORD', 'secret']]);
  const launched = await launcher.launch({
    program: '/bin/cat',
    arg0: 'cat',
    args: [],
    cwd: '/',
    env,
    stdin: 'pipe',
    terminal: undefined,
    mergeStderr: false,
    limits: undefined,
    ...more,
  });
  return { launched, environment: new WeakRef(env) };
}

describe('the environment that a process is launched with', () => {
  it.each<[string, Launcher, Partial<LaunchRequest>]>([
    ['posix_spawn', posixSpawnLauncher(), {}],
    ['posix_spawn, with limits', posixSpawnLauncher(), { limits: { coreBytes: 0 } }],
    ['posix_spawn, with a terminal', posixSpawnLauncher(), { terminal: { columns: 9, rows: 9 } }],
    ['child_process', childProcessLauncher, {}],
  ])(
    'is not kept while it runs, nor by what finds its tree later (%s)',
    async (_, launcher, more) => {
      const { environment, launched } = await launch(launcher, more);
      // A weak reference keeps what it is of until the turn is over.
      const gone = (): boolean => {
        collectGarbage();
        return environment.deref() === undefined;
      };
      await expect.poll(gone).toBe(true);
      for (const stream of Object.values(launched.output)) stream.resume();
      process.kill(launched.pid, 'SIGKILL');
      await launched.exited;
      for (const stream of Object.values(launched.output)) stream.destroy();
      launched.stdin?.destroy();
      launched.kin?.release();
    },
  );
});
