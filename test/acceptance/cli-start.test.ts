import { describe, expect, it } from 'vitest';
import { cliUser, jsonLines } from '../support/cli-user.ts';
import { connectTo } from '../support/client.ts';
import { serveHere } from '../support/harness.ts';
import { isAlive } from '../support/pids.ts';
import { serve } from '../support/served.ts';

describe('runlet start', () => {
  it('leaves a process that goes on, and prints how to find it', async () => {
    const served = await serveHere();
    const user = await cliUser(served.address);
    const text = await user.print('start', '--', 'sleep', '1000');
    const [, session = '', process = ''] =
      /^session {2}([0-9a-f-]{36})\nprocess {2}([0-9a-f]{8})\n$/.exec(text) ?? [];
    const found = await (await connectTo(served.address).session({ id: session })).process(process);
    expect(found.argv).toEqual(['sleep', '1000']);
    expect(isAlive(found.pid)).toBe(true);
    expect(await user.start('--id', 'named', '--', 'true')).toEqual({
      session: expect.stringMatching(/^[0-9a-f-]{36}$/),
      process: 'named',
      pid: expect.any(Number),
      address: user.env['RUNLET_ADDRESS'],
    });
  });

  it('makes a session that lives as long as the server allows, or as was asked for', async () => {
    const served = await serve('--max-detached-ttl', '7200');
    const user = await cliUser(served.address);
    const ttlOf = async (...flags: string[]): Promise<number | undefined> => {
      const { session } = await user.start(...flags, '--', 'true');
      const all = await connectTo(served.address).sessions();
      return all.find(({ id }) => id === session)?.detachedTtlMs;
    };
    expect(await ttlOf()).toBe(7_200_000);
    expect(await ttlOf('--ttl', '60')).toBe(60_000);
    expect(await ttlOf('--ttl', '100000')).toBe(7_200_000);
  });

  it('adds to a session that is there, and takes it from nobody', async () => {
    const served = await serveHere();
    const user = await cliUser(served.address);
    const session = await connectTo(served.address).session();
    const { session: id } = await user.start('--session', session.id, '--', 'true');
    expect(id).toBe(session.id);
    expect((await session.info()).attached).toBe(true);
    expect(await session.processes()).toHaveLength(1);
  });

  it('takes the flags of a process', async () => {
    const user = await cliUser((await serveHere()).address);
    const flags = ['--env', 'GREETING=hello', '--cwd', '/', '--timeout', '100'];
    await user.start(...flags, '--', 'sh', '-c', 'echo $GREETING; pwd');
    expect(await user.print('logs', '-f')).toBe('hello\n/\n');
    const [line] = jsonLines(await user.print('ps', '-a', '--json'));
    expect(line).toMatchObject({ terminal: false, stdin: false, code: 0, reason: 'exited' });
    await user.start('--stdin', '--', 'cat');
    expect(jsonLines(await user.print('ps', '--json'))[0]).toMatchObject({ stdin: true });
  });

  it('leaves no session behind where the start fails', async () => {
    const served = await serveHere();
    const user = await cliUser(served.address);
    const cwd = await user.run(['start', '--cwd', '/nonexistent', '--', 'true']);
    expect(cwd).toMatchObject({ code: 125, stderr: expect.stringMatching(/\(START_FAILED\)\n$/) });
    expect((await user.run(['start', '--', '/no/such/program'])).code).toBe(127);
    expect((await user.run(['start', '--', '/'])).code).toBe(126);
    const { session } = await user.start('--id', 'one', '--', 'true');
    const again = await user.run(['start', '--session', session, '--id', 'one', '--', 'true']);
    expect(again).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/\(PROCESS_EXISTS\)\n$/),
    });
    expect(await connectTo(served.address).sessions()).toHaveLength(1);
  });
});
