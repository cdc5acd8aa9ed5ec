import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { anybodyAuthenticator } from '../../src/identity/anybody.ts';
import { resultOf, runCli, spawnCli } from '../support/cli.ts';
import { cliUser, jsonLines } from '../support/cli-user.ts';
import { serveHere, temporaryFolder } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import { AS_LONG_AS_THE_SERVER, awaitRelease, release } from '../support/shell.ts';
import { startProxy } from '../support/tcp-proxy.ts';

const ENV = '/usr/bin/env';

/** What `env` printed, sorted. */
function variables(stdout: Buffer): readonly string[] {
  return stdout.toString().trimEnd().split('\n').sort();
}

describe('runlet run --timeout', () => {
  it('ends the process, says so, and has the exit code of timeout(1)', async () => {
    const { code, stderr } = await runCli(['run', '--timeout', '0.2', '--', 'sleep', '1000']);
    expect(code).toBe(124);
    expect(stderr).toBe('runlet: the process ran out of time and was ended (timed-out)\n');
  });

  it('has that exit code also where the process chose another', async () => {
    const script = 'trap "exit 7" TERM; while :; do sleep 0.01; done';
    const { code } = await runCli(['run', '--timeout', '0.3', '--', 'sh', '-c', script]);
    expect(code).toBe(124);
  });

  it('says nothing of a process that ends in time', async () => {
    const { code, stderr } = await runCli(['run', '--timeout', '1000', '--', 'sh', '-c', 'exit 4']);
    expect([code, stderr]).toEqual([4, '']);
  });
});

describe('the environment of a process that runlet run starts', () => {
  const env = { PATH: process.env['PATH'], HOME: '/h', A_TOKEN: 'a', B: 'b', CC: 'c' };
  const printed = async (...flags: string[]): Promise<readonly string[]> =>
    variables((await runCli(['run', ...flags, '--', ENV], '', { env })).stdout);

  it('has more by --env, with a value or with that of this program', async () => {
    const all = await printed('--env', 'B=x=y', '--env', 'NEW=', '--env', 'CC', '--env', 'UNSET');
    expect(all.filter((line) => !line.startsWith('PATH='))).toEqual([
      'A_TOKEN=a',
      'B=x=y',
      'CC=c',
      'HOME=/h',
      'NEW=',
    ]);
  });

  it('is chosen by --env-policy, and by patterns of names', async () => {
    const path = `PATH=${env.PATH}`;
    expect(await printed('--env-policy', 'none', '--env', 'CC')).toEqual(['CC=c']);
    expect(await printed('--env-policy', 'core')).toEqual(['HOME=/h', path]);
    expect(await printed('--env-policy', 'all')).toEqual(['B=b', 'CC=c', 'HOME=/h', path]);
    expect(await printed('--env-policy', 'all', '--ignore-default-excludes')).toContain(
      'A_TOKEN=a',
    );
    expect(await printed('--env-exclude', 'h*', '--env-exclude', '?')).toEqual([
      'A_TOKEN=a',
      'CC=c',
      path,
    ]);
    expect(await printed('--env-include-only', '?', '--env', 'CC')).toEqual(['B=b', 'CC=c']);
  });

  it("is that of this program on one's own local server, too", async () => {
    const { address } = await serveHere();
    const here = { ...env, RUNLET_ADDRESS: formatAddress(address) };
    const { stdout } = await runCli(['run', '--', ENV], '', { env: here });
    expect(variables(stdout)).toEqual(await printed());
    const server = await runCli(['run', '--env-policy', 'core', '--', ENV], '', { env: here });
    expect(variables(server.stdout)).not.toContain('HOME=/h');
  });

  it('has nothing of this machine on another server but what --env says', async () => {
    const { runlet } = await serveHere({
      listeners: [
        { address: { kind: 'tcp', host: '127.0.0.1', port: 0 }, auth: [anybodyAuthenticator()] },
      ],
    });
    const args = ['run', '--address', runlet.addresses.map(formatAddress).join()];
    const here = { ...env, PATH: process.env['PATH'] };
    const { stdout } = await runCli([...args, '--env', 'B', '--', ENV], '', { env: here });
    const names = variables(stdout).map((line) => line.split('=')[0]);
    expect(names).toContain('B');
    expect(names).toContain('PATH');
    expect(names).not.toContain('CC');
    expect(names).not.toContain('A_TOKEN');
  });
});

describe('runlet run', () => {
  it('can merge standard error into standard output, and choose the folder', async () => {
    const script = 'pwd; echo err >&2';
    const args = ['run', '--merge-stderr', '--cwd', '/', '--', 'sh', '-c', script];
    const { stderr, stdout } = await runCli(args);
    expect([stdout.toString(), stderr]).toEqual(['/\nerr\n', '']);
  });

  it('prints its events with --json, the last one with the end', async () => {
    const args = ['run', '--json', '--', 'sh', '-c', 'cat; exit 3'];
    const { code, stderr, stdout } = await runCli(args, 'in');
    const lines = jsonLines(stdout.toString());
    expect([code, stderr]).toEqual([3, '']);
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, i) => i + 1));
    expect(lines.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['started', 'output', 'exited', 'closed']),
    );
    expect(lines.find(({ kind }) => kind === 'output')).toMatchObject({
      stream: 'stdout',
      offset: 0,
      data: Buffer.from('in').toString('base64'),
      time: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(lines.at(-1)).toMatchObject({
      kind: 'closed',
      code: 3,
      signal: null,
      reason: 'exited',
      totals: { stdout: 2, stderr: 0 },
      outputComplete: true,
    });
  });

  it('prints every key of the usage with --json, null where it is not known', async () => {
    const { stdout } = await runCli(['run', '--json', '--', 'true']);
    const exited = jsonLines(stdout.toString()).find(({ kind }) => kind === 'exited');
    // A number or null; which one is for the launcher to say.
    const known = Object.entries(exited?.['usage'] ?? {}).map(([key, value]) => [
      key,
      value === null || typeof value === 'number',
    ]);
    const keys = ['wallMs', 'userMs', 'systemMs', 'peakResidentBytes'];
    expect(known).toEqual(keys.map((key) => [key, true]));
  });

  it('exits with 128+n for a signal without a name, too', async () => {
    const { code } = await runCli(['run', '--', 'sh', '-c', 'kill -40 $$']);
    expect(code).toBe(168);
  });

  it('goes on through breaks of the connection, and loses or doubles nothing', async () => {
    const served = await serveHere();
    const proxy = await startProxy(served.address);
    const folder = await temporaryFolder();
    const script = `cd ${folder}; echo begin; ${awaitRelease('go1')}; echo one; ${awaitRelease('go2')}; echo two; cat`;
    const args = ['run', '--address', formatAddress(proxy.address), '--', 'sh', '-c', script];
    const child = spawnCli(args);
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const showing = (expected: string): Promise<void> => expect.poll(() => text).toBe(expected);
    await showing('begin\n');
    proxy.cut();
    child.stdin?.write('typed ');
    await release({ folder }, 'go1');
    await showing('begin\none\n');
    proxy.cut();
    await release({ folder }, 'go2');
    child.stdin?.end('twice\n');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(text).toBe('begin\none\ntwo\ntyped twice\n');
  });

  it('gives up when no connection can be had for as long as it may take', async () => {
    const served = await serve();
    const address = formatAddress(served.address);
    const args = ['run', '--address', address, '--reconnect-for', '5', '--', 'sh', '-c'];
    const child = spawnCli([...args, `echo ready; ${AS_LONG_AS_THE_SERVER}`]);
    await once(child.stdout ?? child, 'data');
    served.child.kill('SIGKILL');
    const { code, stderr } = await resultOf(child);
    expect(code).toBe(125);
    expect(stderr).toMatch(/^runlet: session \S+: no connection .* \(window-passed\)\n$/);
  });

  it('has the end of a process that the shutdown of the server ended', async () => {
    const served = await serve();
    const user = await cliUser(served.address);
    const child = user.spawn(['run', '--', 'sh', '-c', 'echo ready; exec sleep 1000']);
    await once(child.stdout ?? child, 'data');
    served.child.kill('SIGTERM');
    const { code, stderr } = await resultOf(child);
    expect(code).toBe(143);
    expect(stderr).toBe(
      'runlet: the process was ended by the shutdown of the server (server-shutdown)\n',
    );
  });
});
