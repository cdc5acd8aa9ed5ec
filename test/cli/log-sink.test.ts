import { execFileSync } from 'node:child_process';
import { closeSync, openSync, read, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LogSink } from '../../src/cli/log-sink.ts';
import { MAX_QUEUED_LOG_BYTES } from '../../src/limits.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/harness.ts';

function open(path: string, flags: string): number {
  const fd = openSync(path, flags);
  onTestFinished(() => closeSync(fd));
  return fd;
}

describe('a log', () => {
  it('has every line, in order', async () => {
    const path = join(await temporaryFolder(), 'log');
    const sink = new LogSink(open(path, 'w'));
    const lines = Array.from({ length: 1_000 }, (_, i) => `line ${i}\n`);
    for (const line of lines) sink.write(line);
    await sink.flush(60_000);
    expect(readFileSync(path, 'utf8')).toBe(lines.join(''));
  });

  it('that cannot be written is dropped, and said to be', async () => {
    const sink = new LogSink(open('/dev/full', 'w'));
    for (let i = 0; i < 100; i++) sink.write(`line ${i}\n`);
    await sink.flush(60_000);
    // It is as ready as before.
    sink.write('another\n');
    await sink.flush(60_000);
  });

  it('whose reader stalls holds no thread that others need', async () => {
    const fifo = join(await temporaryFolder(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    const fd = open(fifo, 'r+');
    // As many as there are threads, each with more than a pipe takes.
    const sinks = Array.from({ length: 4 }, () => new LogSink(fd));
    for (const sink of sinks) sink.write(`${'x'.repeat(MAX_QUEUED_LOG_BYTES / 2)}\n`);
    expect((await stat(fifo)).isFIFO()).toBe(true);
    // A log goes on once it is read.
    const buffer = Buffer.alloc(65_536);
    for (let bytes = 0; bytes < (sinks.length * MAX_QUEUED_LOG_BYTES) / 2; ) {
      bytes += (await promisify(read)(fd, buffer, 0, buffer.byteLength, null)).bytesRead;
    }
    for (const sink of sinks) await sink.flush(60_000);
  });

  it('whose reader stalls holds a bounded amount, and counts what it drops', async () => {
    const folder = await temporaryFolder();
    const fifo = join(folder, 'fifo');
    expect((await runCli(['run', '--', 'mkfifo', fifo])).code).toBe(0);
    const reader = open(fifo, 'r+');
    const sink = new LogSink(reader);
    const line = `${'x'.repeat(999)}\n`;
    const lines = (3 * MAX_QUEUED_LOG_BYTES) / line.length;
    for (let i = 0; i < lines; i++) sink.write(line);
    // Nobody reads: it does not wait for ever.
    await sink.flush(10);
    const buffer = Buffer.alloc(65_536);
    let text = '';
    while (!text.includes('"dropped"')) {
      // The sink goes on meanwhile: there may be nothing to read until it has written more.
      const { bytesRead } = await promisify(read)(reader, buffer, 0, buffer.byteLength, null);
      text = text.slice(-200) + buffer.toString('latin1', 0, bytesRead);
    }
    const dropped = Number(/"dropped":(\d+)/.exec(text)?.[1]);
    expect(dropped).toBeGreaterThan(lines / 2);
    expect(dropped).toBeLessThan(lines);
  });
});
