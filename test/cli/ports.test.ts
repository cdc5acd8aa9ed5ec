import { describe, expect, it } from 'vitest';
import { cliUser, jsonLines } from '../support/cli-user.ts';
import { connectTo, forwarding, listeningProgram, readAll } from '../support/forwarding.ts';
import { LAUNCHER, serveHere } from '../support/harness.ts';
import { hasBwrap } from '../support/needed-tools.ts';

const canConfine = LAUNCHER !== 'child_process' && hasBwrap();

describe('runlet ports', () => {
  it('lists where the processes of a session listen, in columns and as JSON', async () => {
    const user = await cliUser((await serveHere()).address);
    const web = await listeningProgram(user, 'web');
    const api = await listeningProgram(user, 'api', ['--session', web.session], '::1');
    expect((await user.print('ports')).split('\n')).toEqual([
      expect.stringMatching(/^PROCESS +PID +ADDRESS +PORT +NETWORK$/),
      expect.stringMatching(
        new RegExp(`^web +${web.pid} +127\\.0\\.0\\.1 +${web.port} +the server$`),
      ),
      expect.stringMatching(new RegExp(`^api +${api.pid} +::1 +${api.port} +the server$`)),
      '',
    ]);
    const { session } = web;
    expect(jsonLines(await user.print('ports', '--session', session, '--json'))).toEqual([
      { process: 'web', pid: web.pid, host: '127.0.0.1', port: web.port, ownNetwork: false },
      { process: 'api', pid: api.pid, host: '::1', port: api.port, ownNetwork: false },
    ]);
  });

  it('lists those of one session alone, and of no process that has ended', async () => {
    const user = await cliUser((await serveHere()).address);
    const one = await listeningProgram(user, 'one');
    const other = await listeningProgram(user, 'other');
    const listed = async (session: string): Promise<readonly unknown[]> =>
      jsonLines(await user.print('ports', '--session', session, '--json')).map(
        (line) => line['port'],
      );
    expect(await listed(one.session)).toEqual([one.port]);
    expect(await listed(other.session)).toEqual([other.port]);
    await user.print('kill', '-9', 'one');
    await user.run(['wait', 'one']);
    expect(await listed(one.session)).toEqual([]);
  });
});

describe.skipIf(!canConfine)('a process in a network of its own', () => {
  it('has its ports listed as such, and is reached with --process', async () => {
    const user = await cliUser((await serveHere()).address);
    const inside = await listeningProgram(user, 'inside', ['--network', 'none']);
    const { port } = inside;
    expect(jsonLines(await user.print('ports', '--json'))).toEqual([
      { process: 'inside', pid: expect.any(Number), host: '127.0.0.1', port, ownNetwork: true },
    ]);
    expect(await user.print('ports')).toMatch(
      new RegExp(`\ninside +\\d+ +127\\.0\\.0\\.1 +${port} +its own\n$`),
    );
    const { listens } = await forwarding(user, ['--process', 'inside', `0:localhost:${port}`]);
    const socket = await connectTo(listens[0] ?? '');
    socket.end('in there');
    expect((await readAll(socket)).toString()).toBe('in there');
  });

  it('has no way to what listens in that of the server', async () => {
    const user = await cliUser((await serveHere()).address);
    const inside = await listeningProgram(user, 'inside', ['--network', 'none']);
    // Ports are given at random: one of both is another than that in there.
    const both = [await listeningProgram(user, 'one'), await listeningProgram(user, 'two')];
    const outside = both.find(({ port }) => port !== inside.port);
    const { listens, said } = await forwarding(user, [
      '--process',
      'inside',
      `0:localhost:${outside?.port}`,
    ]);
    const socket = await connectTo(listens[0] ?? '');
    await expect(readAll(socket)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect.poll(said).toMatch(/\(TUNNEL_FAILED\)\n$/);
  });

  it('ends its connections with it, and takes no more', async () => {
    const user = await cliUser((await serveHere()).address);
    const { port } = await listeningProgram(user, 'inside', ['--network', 'none']);
    const { listens, said } = await forwarding(user, [
      '--process',
      'inside',
      `0:localhost:${port}`,
    ]);
    await user.print('kill', '-9', 'inside');
    await user.run(['wait', 'inside']);
    const socket = await connectTo(listens[0] ?? '');
    await expect(readAll(socket)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect.poll(said).toMatch(/\(PROCESS_EXITED\)\n$/);
  });
});
