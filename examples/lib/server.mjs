import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../bundle/main.js', import.meta.url));

/**
 * Calls `use` with the address of a server: the first argument of the program, or else that
 * of a server which is started for it and ends with it.
 *
 * @param {(address: string) => Promise<void>} use
 */
export async function withServer(use) {
  const [, , address] = process.argv;
  if (address !== undefined) return use(address);
  const folder = await mkdtemp(join(tmpdir(), 'runlet-example-'));
  const server = spawn(
    process.execPath,
    [
      ...[MAIN, 'serve', '--listen', `unix:${join(folder, 'runlet.sock')}`],
      ...['--state-dir', join(folder, 'state'), '--log-level', 'error'],
    ],
    // Ctrl-C in the terminal is for the example, which ends the server then.
    { detached: true, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const [line] = await once(createInterface(server.stdout), 'line');
    await use(line.replace('runlet listening on ', ''));
  } finally {
    server.kill();
    await once(server, 'exit');
    await rm(folder, { recursive: true });
  }
}
