import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { connect, serve } from '../../src/client/index.ts';
import { errorOf } from '../support/client.ts';
import { firstLineOf } from '../support/first-line.ts';
import { isAlive } from '../support/pids.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/serving.mjs', import.meta.url));

/** Runs a program with a server of its own, until it says what that is. */
async function startProgram(...args: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const line = await firstLineOf(child);
  const said: { address: string; pid: number; said: string } = JSON.parse(line);
  return { child, exited, ...said, folder: dirname(said.address.replace('unix:', '')) };
}

describe('a server of a program', () => {
  it('serves until it is closed, and leaves nothing behind', async () => {
    const server = await serve();
    const folder = dirname(server.address.replace('unix:', ''));
    const client = connect(server.address);
    expect(await client.run(['/bin/echo', 'hello']).text()).toBe('hello');
    await client.close();
    await Promise.all([server.close(), server[Symbol.asyncDispose]()]);
    expect([isAlive(server.pid), existsSync(folder)]).toEqual([false, false]);
  });

  it('keeps no program from ending, and ends with it', async () => {
    const { exited, folder, pid, said } = await startProgram();
    expect(said).toBe('hello\n');
    expect(await exited).toEqual([0, null]);
    await expect.poll(() => [isAlive(pid), existsSync(folder)]).toEqual([false, false]);
  });

  it('ends with a program that was killed', async () => {
    const { child, exited, folder, pid } = await startProgram('wait');
    expect(isAlive(pid)).toBe(true);
    child.kill('SIGKILL');
    await exited;
    await expect.poll(() => [isAlive(pid), existsSync(folder)]).toEqual([false, false]);
  });

  it('that cannot start is an error', async () => {
    const error = await errorOf(serve({ flags: ['--no-such-flag'] }));
    expect(error).toMatchObject({ code: 'SERVER_NOT_STARTED' });
    expect(error.message).toMatch(/^the server ended with the exit code \d+$/);
  });
});
