import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { posixSpawnLauncher } from '../../../src/process/native/posix-spawn-launcher.ts';

const launcher = posixSpawnLauncher();

/** Fits into the buffers between a process and a reader that pauses. */
const LINES = 5_000;

/** Starts a program on a terminal. */
function launchOnTerminal(program: string, args: readonly string[]) {
  return launcher.launch({
    program,
    arg0: program,
    args,
    cwd: '/',
    env: new Map(),
    stdin: 'closed',
    mergeStderr: false,
    terminal: { columns: 80, rows: 24 },
    limits: undefined,
  });
}

describe('what a process wrote to a terminal while its reader paused', () => {
  it('is handed over once, after the process exited', async () => {
    const expected = Array.from({ length: LINES }, (_, i) => `${i + 1}\r\n`).join('');
    for (let time = 1; time <= 20; time++) {
      const { exited, output } = await launchOnTerminal('/usr/bin/seq', ['1', String(LINES)]);
      const { terminal } = output;
      if (terminal === undefined) throw new Error('it has no terminal');
      const chunks: Buffer[] = [];
      let paused = true;
      terminal.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (paused) terminal.pause();
      });
      const ended = once(terminal, 'end');
      await exited;
      paused = false;
      terminal.resume();
      await ended;
      expect(Buffer.concat(chunks).toString() === expected).toBe(true);
    }
  });
});

describe('what is pasted into a terminal whose program does not read', () => {
  it('holds nothing up, and is read whole when it does', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'runlet-terminal-'));
    const go = join(folder, 'go');
    const text = 'a line of text\n'.repeat(20_000);
    // It would read some day though nobody told it to: what waits for it must not do so for ever.
    const script = `stty -echo; echo ready; i=0
      until [ -e ${go} ] || [ $((i += 1)) -gt 500 ]; do sleep 0.02; done
      head -c ${text.length} | cksum`;
    const { exited, output, stdin } = await launchOnTerminal('/bin/sh', ['-c', script]);
    const { terminal } = output;
    if (terminal === undefined || stdin === undefined) throw new Error('it has no terminal');
    const shown: string[] = [];
    const ready = new Promise<void>((resolve) => {
      terminal.on('data', (data: Buffer) => {
        shown.push(data.toString());
        if (shown.join('').includes('ready')) resolve();
      });
    });
    const ended = once(terminal, 'end');
    await ready;
    let written = false;
    const pasted = new Promise<void>((resolve, reject) => {
      stdin.write(text, (error) => {
        written = true;
        if (error) reject(error);
        else resolve();
      });
    });
    await nextTurn();
    expect(written).toBe(false);
    writeFileSync(go, '');
    await pasted;
    await Promise.all([exited, ended]);
    rmSync(folder, { recursive: true });
    expect(shown.join('')).toMatch(new RegExp(` ${text.length}\r\n$`));
  });
});
