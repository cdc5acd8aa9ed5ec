import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resultOf } from '../support/cli.ts';
import { cliUser, jsonLines } from '../support/cli-user.ts';
import { serveHere } from '../support/harness.ts';

describe('what the command line remembers', () => {
  it('is the last process of each server, for this user alone, and nothing secret', async () => {
    const [one, two] = [await serveHere(), await serveHere()];
    const user = await cliUser(one.address);
    const secret = 'hunter2';
    const first = await user.start('--env', `PASSWORD=${secret}`, '--', 'sh', '-c', `: ${secret}`);
    const other = await cliUser(two.address);
    const env = { ...user.env, RUNLET_ADDRESS: other.env['RUNLET_ADDRESS'] };
    const started = await new Promise<string>((resolve) => {
      const child = user.spawn(['start', '--json', '--', 'echo', 'second'], { env });
      child.stdout?.once('data', (data: Buffer) => resolve(data.toString()));
    });
    const second = JSON.parse(started) as typeof first;
    const path = join(user.folder, 'runlet', 'last.json');
    const entry = ({ address, process, session }: typeof first) => ({ address, process, session });
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      version: 1,
      servers: [entry(second), entry(first)],
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(user.folder, 'runlet'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(user.folder, 'runlet'))).toEqual(['last.json']);
    expect(await readFile(path, 'utf8')).not.toContain(secret);
    // Each server has its own.
    expect(await user.print('logs', '-f')).toBe('');
    expect(await user.print('logs', '-f', '--address', second.address)).toBe('second\n');
    expect(await user.run(['logs', '--address', '127.0.0.1:1'])).toMatchObject({ code: 125 });
  });

  it('knows a socket by its path in full, whatever folder it was named from', async () => {
    const { address } = await serveHere();
    const path = address.kind === 'unix' ? address.path : '';
    const user = await cliUser(address);
    const near = ['--address', `unix:${basename(path)}`];
    const args = ['start', '--json', ...near, '--', 'echo', 'near'];
    const started = await resultOf(user.spawn(args, { cwd: dirname(path) }));
    expect(jsonLines(started.stdout.toString())[0]).toMatchObject({ address: `unix:${path}` });
    expect(await user.print('logs', '-f')).toBe('near\n');
  });

  it('is nothing where the file is damaged, and a start writes it anew', async () => {
    const user = await cliUser((await serveHere()).address);
    const path = join(user.folder, 'runlet', 'last.json');
    await mkdir(join(user.folder, 'runlet'), { mode: 0o700 });
    for (const text of ['{', '[]', 'null', '{"version":1,"servers":[null,{"address":5}]}']) {
      await writeFile(path, text);
      expect((await user.run(['logs'])).code).toBe(2);
    }
    await user.start('--', 'echo', 'anew');
    expect(await user.print('logs', '-f')).toBe('anew\n');
  });

  it('cannot be written where the folder is not of this user alone, and nothing fails for it', async () => {
    const user = await cliUser((await serveHere()).address);
    await writeFile(join(user.folder, 'runlet'), '');
    const { code, stderr } = await user.run(['start', '--id', 'one', '--', 'echo', 'here']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^runlet: the process cannot be remembered as the last one: .*\n$/);
    expect(await user.print('logs', '-f', 'one')).toBe('here\n');
  });

  it('points to the server where something was started', async () => {
    const user = await cliUser((await serveHere()).address);
    const { address } = await user.start('--', 'true');
    const other = await serveHere();
    const { path } = other.address as { path: string };
    expect((await user.run(['attach', '--address', `unix:${path}`])).stderr).toBe(
      `runlet: this user started nothing at unix:${path}; the last one is at ${address}: name that with --address\n`,
    );
  });
});
