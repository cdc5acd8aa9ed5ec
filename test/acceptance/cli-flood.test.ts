import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MAIN } from '../support/cli.ts';
import { connectTo } from '../support/client.ts';
import { serveHere, temporaryFolder } from '../support/harness.ts';

const KIB = 1024;
const PIECE_BYTES = 128 * KIB;

/** Writes without end, and how many pieces that were to a file, which is never half written. */
const FLOOD = `
  i=0
  while head -c ${PIECE_BYTES} /dev/zero | tr '\\0' x; do
    i=$((i+1)); echo $i >p; mv p pieces
  done`;

/** More than is in pipes, sockets and windows, and much less than libraries hold by themselves. */
const FEW_BYTES = 1.5 * KIB * KIB;

/** Written before it is interrupted. */
const ENOUGH_BYTES = 2 * KIB * KIB;

it('a flood that `runlet run` shows on a terminal is never far ahead of it', async () => {
  const folder = await temporaryFolder();
  const session = await connectTo((await serveHere()).address).session();
  const run = await session.start({
    argv: [process.execPath, MAIN, 'run', '--', 'sh', '-c', FLOOD],
    cwd: folder,
    envPolicy: { inherit: 'all' },
    terminal: { columns: 200, rows: 50 },
    overflow: 'pause',
    retainedBytes: 16 * KIB,
  });
  let shown = 0;
  let looked = 0;
  let interrupted: number | undefined;
  for await (const data of run.terminal) {
    shown += (data as Buffer).byteLength;
    if (interrupted !== undefined || shown < looked + PIECE_BYTES / 2) continue;
    looked = shown;
    const pieces = Number(await readFile(join(folder, 'pieces'), 'utf8').catch(() => '0'));
    expect(pieces * PIECE_BYTES - shown).toBeLessThan(FEW_BYTES);
    if (pieces * PIECE_BYTES < ENOUGH_BYTES) continue;
    interrupted = shown;
    run.stdin.write('\x03');
  }
  expect(interrupted).toBeDefined();
  // What was on its way when it was interrupted is shown.
  expect(shown - (interrupted ?? 0)).toBeLessThan(FEW_BYTES);
  expect((await run.closed).signal).toBe('SIGINT');
});
