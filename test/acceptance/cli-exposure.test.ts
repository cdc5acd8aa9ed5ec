import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseAddress } from '../../src/address.ts';
import { newerNode } from '../../src/cli/newer-node.ts';
import type { RunletClient } from '../../src/client/index.ts';
import { runCli } from '../support/cli.ts';
import { connectTo } from '../support/client.ts';
import { firstLineOf } from '../support/first-line.ts';
import { temporaryFolder } from '../support/harness.ts';
import { MAIN } from '../support/served.ts';

/** Only where it can be replaced by itself does a server hide its variables. */
const HIDES = newerNode.execve !== undefined;

interface Server {
  readonly child: ChildProcess;
  readonly client: RunletClient;
  readonly folder: string;
  /** What a shell prints that it runs, with the number of the server's process as $1. */
  print(script: string): Promise<string>;
  /** Ends it in order; returns what it wrote to standard error. */
  end(): Promise<string>;
}

/** Serves as a shell starts it, after a line of that shell. */
async function serveFrom(
  line: string,
  env: NodeJS.ProcessEnv,
  nodeArgs: readonly string[] = [],
): Promise<Server> {
  const folder = await temporaryFolder();
  const flags = ['--listen', `unix:${join(folder, 'socket')}`, '--log-level', 'error'];
  const state = ['--state-dir', join(folder, 'state'), '--grace', '0'];
  const argv = [process.execPath, ...nodeArgs, MAIN, 'serve', ...flags, ...state];
  const child = spawn('/bin/sh', ['-c', `${line}; exec "$@"`, 'sh', ...argv], {
    cwd: folder,
    // Without the controlling terminal that this test may have.
    detached: true,
    env: { ...process.env, ...env },
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const said = await firstLineOf(child);
  const client = connectTo(parseAddress(said.replace('runlet listening on ', '')));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return {
    child,
    client,
    folder,
    async print(script) {
      const argv = ['/bin/sh', '-c', script, 'sh', String(child.pid)];
      return (await client.run(argv, { envPolicy: { inherit: 'core' } })).stdout.toString();
    },
    async end() {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      expect(await closed).toEqual([0, null]);
      return stderr;
    },
  };
}

describe("a server's environment, as its processes can read it of the system", () => {
  it('has variables RUNLET_* only where the server cannot be replaced by itself', async () => {
    // One that is not UTF-8 stays as it is, too.
    const line = "ODD=$(printf '\\351'); export ODD";
    const server = await serveFrom(line, {
      RUNLET_PASSWORD: 'hunter2',
      runlet_too: 'x',
      MINE: 'y',
    });
    const inherited = { envPolicy: { inherit: 'all' }, encoding: 'latin1' } as const;
    expect((await server.client.run(['printenv', 'ODD'], inherited)).stdout).toBe('é\n');
    const environment = (await server.print('tr "\\0" "\\n" </proc/$1/environ')).split('\n');
    expect(environment).toContain('MINE=y');
    const own = environment.filter((variable) => /^runlet_/i.test(variable)).sort();
    // What it cannot hand on as a text when it replaces itself it tells so, which is no secret.
    const odd = Buffer.from('ODD=\xe9\0', 'latin1').toString('base64');
    const hidden = [`RUNLET_STARTED_WITH=${server.child.pid}::0:${odd}`];
    expect(own).toEqual(HIDES ? hidden : ['RUNLET_PASSWORD=hunter2', 'runlet_too=x']);
    expect(await server.end()).toBe('');
  });

  it('is hidden by a server that stays what was started', async () => {
    const flag = '--no-deprecation';
    const server = await serveFrom('umask 027', { RUNLET_PASSWORD: 'hunter2' }, [flag]);
    const words = (await server.print('tr "\\0" "\\n" </proc/$1/cmdline')).split('\n');
    expect(words.slice(1, 4)).toEqual([flag, MAIN, 'serve']);
    expect(await server.print('readlink /proc/$1/cwd')).toBe(`${server.folder}\n`);
    expect(await server.print('grep ^Umask: /proc/$1/status')).toBe('Umask:\t0027\n');
    expect(await server.end()).toBe('');
  });

  it('does not matter where a variable was set by a program that was loaded first', async () => {
    const folder = await temporaryFolder();
    const preload = join(folder, 'preload.mjs');
    await writeFile(preload, "process.env.RUNLET_PASSWORD = 'hunter2';\n");
    const server = await serveFrom(':', { RUNLET_TOO: 'x' }, ['--import', preload]);
    expect(await server.print('tr "\\0" "\\n" </proc/$1/environ')).not.toContain('hunter2');
    expect(await server.end()).toBe('');
  });
});

describe('a server without a terminal', () => {
  it('is not ended by signals that ask for something else', async () => {
    const server = await serveFrom(':', {});
    for (const signal of ['HUP', 'USR2', 'ALRM', 'VTALRM', 'PROF', 'IO']) {
      await server.print(`kill -${signal} $1`);
    }
    expect(await server.print('echo $PPID')).toBe(`${server.child.pid}\n`);
    expect(await server.end()).toBe('');
  });
});

describe('the debugger of Node.js', () => {
  it('is not opened in a server by a process that it runs', async () => {
    const server = await serveFrom(':', {});
    await server.print('kill -USR1 $1');
    expect(await server.end()).toBe('');
  });

  it('is not opened in `runlet run` by the process that it runs', async () => {
    const result = await runCli(['run', '--', 'sh', '-c', 'kill -USR1 $PPID; echo done']);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout.toString()).toBe('done\n');
  });
});
