import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { posixSpawnLauncher } from '../../../src/process/native/posix-spawn-launcher.ts';

const launcher = posixSpawnLauncher();

/** Fits into the buffers between a process and a reader that pauses. */
const LINES = 5_000;

describe('what a process wrote to a terminal while its reader paused', () => {
  it('is handed over once, after the process exited', async () => {
    const expected = Array.from({ length: LINES }, (_, i) => `${i + 1}\r\n`).join('');
    for (let time = 1; time <= 20; time++) {
      const { exited, output } = await launcher.launch({
        program: '/usr/bin/seq',
        arg0: 'seq',
        args: ['1', String(LINES)],
        cwd: '/',
        env: new Map(),
        stdin: 'closed',
        mergeStderr: false,
        terminal: { columns: 80, rows: 24 },
        limits: undefined,
      });
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
