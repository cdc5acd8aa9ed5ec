import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { spawnCli } from '../support/cli.ts';
import { cliUser } from '../support/cli-user.ts';
import { temporaryFolder } from '../support/harness.ts';
import { isAlive, pidFrom } from '../support/pids.ts';
import { serve } from '../support/served.ts';
import { waitForFile } from '../support/wait-for-file.ts';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** A pipe that nobody reads and that is full: who writes to it waits. */
async function fullPipe(): Promise<number> {
  const path = join(await temporaryFolder(), 'pipe');
  execFileSync('sh', ['-c', 'mkfifo "$0"', path]);
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  const filler = openSync(path, O_WRONLY | O_NONBLOCK);
  const writer = openSync(path, O_WRONLY);
  onTestFinished(() => {
    for (const fd of [reader, filler, writer]) closeSync(fd);
  });
  expect(() => {
    for (;;) writeSync(filler, Buffer.alloc(4096));
  }).toThrow('EAGAIN');
  return writer;
}

describe('runlet whose output nobody takes', () => {
  it('ends by the signal that ends its process', async () => {
    const folder = await temporaryFolder();
    const script = `echo output; touch ${folder}/ready; exec sleep 1000`;
    const stdout = await fullPipe();
    const child = spawnCli(['run', '--', 'sh', '-c', script], {
      stdio: ['ignore', stdout, 'ignore'],
    });
    const exited = once(child, 'exit');
    await waitForFile(`${folder}/ready`);
    child.kill('SIGTERM');
    expect(await exited).toEqual([null, 'SIGTERM']);
  });

  it('ends by a signal that comes again and again, and takes along a process that ignores it', async () => {
    const folder = await temporaryFolder();
    const script = `trap "" INT TERM; echo $$ > ${folder}/pid; echo output
      touch ${folder}/ready; while :; do sleep 0.01; done`;
    const stdout = await fullPipe();
    const child = spawnCli(['run', '--', 'sh', '-c', script], {
      stdio: ['ignore', stdout, 'ignore'],
    });
    const exited = once(child, 'exit');
    await waitForFile(`${folder}/ready`);
    const again = setInterval(() => child.kill('SIGINT'), 20);
    expect(await exited).toEqual([null, 'SIGINT']);
    clearInterval(again);
    expect(isAlive(pidFrom(readFileSync(`${folder}/pid`, 'utf8')))).toBe(false);
  });

  it('is left by a signal where it is attached', async () => {
    const user = await cliUser((await serve()).address);
    const ready = join(user.folder, 'ready');
    const script = `echo output; read -r line; touch ${ready}; exec sleep 1000`;
    await user.start('--stdin', '--', 'sh', '-c', script);
    const stdout = await fullPipe();
    const child = user.spawn(['attach'], { stdio: ['pipe', stdout, 'ignore'] });
    const exited = once(child, 'exit');
    child.stdin?.write('typed\n');
    await waitForFile(ready);
    child.kill('SIGTERM');
    expect(await exited).toEqual([143, null]);
    expect(await user.print('ps')).toContain('running');
  });
});

describe('runlet run', () => {
  it('dies of the signal that its process died of, as shells look at that', async () => {
    const child = spawnCli(['run', '--', 'sh', '-c', 'echo ready; exec sleep 1000']);
    await once(child.stdout ?? child, 'data');
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    expect(await exited).toEqual([null, 'SIGINT']);
  });
});
