import { closeSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { loadLibc } from '../../../src/process/native/libc.ts';
import { pipeOutput } from '../../../src/process/native/pipe-output.ts';
import { openPipes } from '../../../src/process/native/pipes.ts';

/** What is read of a pipe, and how to write to it. */
function openPipe(): { output: Readable; write(text: string): void; end(): void } {
  const { stdout } = openPipes(loadLibc(), { stdin: false, stderr: false });
  return {
    output: pipeOutput(stdout.ours),
    write: (text) => void writeSync(stdout.child, text),
    end: () => closeSync(stdout.child),
  };
}

/** Resolves when a condition holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate();
}

describe('output of a pipe', () => {
  it('is handed to a listener in memory that is used again', async () => {
    const { output, write, end } = openPipe();
    const pieces: Buffer[] = [];
    let text = '';
    output.on('data', (piece: Buffer) => {
      pieces.push(piece);
      text += piece.toString();
    });
    await setImmediate();
    write('one');
    await until(() => text === 'one');
    write('two');
    await until(() => text === 'onetwo');
    expect(pieces.map(String)).toEqual(['two', 'two']);
    end();
    await until(() => output.readableEnded);
  });

  it('stays as it was for whoever iterates over it', async () => {
    const { output, write, end } = openPipe();
    const pieces: Buffer[] = [];
    const read = (async () => {
      for await (const piece of output) pieces.push(piece as Buffer);
    })();
    write('one');
    await until(() => pieces.length === 1);
    write('two');
    await until(() => pieces.length === 2);
    end();
    await read;
    expect(pieces.map(String)).toEqual(['one', 'two']);
  });

  it('comes in order and whole to a listener that pauses, and one that comes late', async () => {
    const { output, write, end } = openPipe();
    write('before ');
    await until(() => output.readableLength > 0);
    let text = '';
    output.on('data', (piece: Buffer) => {
      text += piece.toString();
      output.pause();
    });
    await until(() => output.isPaused());
    write('during ');
    for (let i = 0; i < 10; i++) await setImmediate();
    expect(text).toBe('before ');
    output.resume();
    await until(() => text === 'before during ');
    write('after');
    output.resume();
    await until(() => text.endsWith('after'));
    end();
    output.resume();
    await until(() => output.readableEnded);
    expect(text).toBe('before during after');
  });
});
