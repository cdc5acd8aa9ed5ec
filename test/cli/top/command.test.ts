import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { type CliUser, cliUser, jsonLines } from '../../support/cli-user.ts';
import { serveHere } from '../../support/harness.ts';

/** Somebody with a process that does nothing, and one that works. */
async function userOfTwo(): Promise<CliUser> {
  const user = await cliUser((await serveHere()).address);
  await user.start('--id', 'quiet', 'sleep', '1000');
  await user.start('--id', 'busy', '--', 'sh', '-c', 'while :; do :; done');
  return user;
}

describe('runlet top', () => {
  it('prints tables once, with what is used', async () => {
    const user = await userOfTwo();
    const text = await user.print('top', '--once');
    expect(text).toMatch(/^sessions: 2, 0 attached {3}processes: 2 running, 0 exited, 0 closed /);
    expect(text).toMatch(/^server: [\d.]+ % cpu, /m);
    expect(text).toMatch(/^SESSION +RUNNING +KEPT +CPU% /m);
    expect(text).toMatch(/^PROCESS +SESSION +PID +STATE +CPU% .*\nbusy .*\nquiet .*\n$/m);
  });

  it('prints a line of JSON once', async () => {
    const user = await userOfTwo();
    const [line, ...others] = jsonLines(await user.print('top', '--once', '--json'));
    expect(others).toEqual([]);
    expect(line).toMatchObject({
      totals: { runningProcesses: 2 },
      server: { residentBytes: expect.any(Number) },
      processes: [
        { process: 'quiet', cpu: 0, state: 'running', program: 'sleep', exitTime: null },
        { process: 'busy', cpu: expect.any(Number), owner: expect.stringMatching(/^peer:/) },
      ],
    });
    const [, busy] = (line?.['processes'] ?? []) as readonly { readonly cpu: number }[];
    expect(busy?.cpu).toBeGreaterThan(0);
  });

  it.each([
    ['tables', [], /^busy +/],
    ['lines of JSON', ['--json'], /"process":"busy".*"state":"running"/],
  ])('prints %s again and again, and dies of the signal that ends it', async (_, flags, line) => {
    const user = await userOfTwo();
    const child = user.spawn(['top', '--interval', '0.25', ...flags]);
    const { stdout } = child;
    if (stdout === null) throw new Error('there is no output');
    let seen = 0;
    for await (const text of createInterface(stdout)) {
      if (line.test(text)) seen += 1;
      if (seen === 3) break;
    }
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([null, 'SIGTERM']);
  });
});
