import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, fstatSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { ensureUnsharedFolder, openPrivateLog } from '../private-folder.ts';
import { bytesOfText } from '../system-text.ts';
import { takeSystemdVariables } from '../systemd/variables.ts';
import { FAILURE_EXIT_CODE } from './exit-codes.ts';
import { listenAddresses } from './listen-addresses.ts';
import { inheritedVariables } from './own-bytes.ts';
import { printLine, sayAsIs } from './print.ts';
import { checkFlags } from './serve-checks.ts';
import type { ServeFlags } from './serve-flags.ts';
import { statusAt } from './serve-status.ts';
import { STARTED_WITH_VARIABLE, toldFields } from './started-with.ts';
import { defaultStateFolder } from './state-folder.ts';

/** What a server in the background logs, in the state folder. */
const LOG_NAME = 'serve.log';

/** Tells the server what this program was started with: it cannot be known otherwise. */
const SCRIPT = `${STARTED_WITH_VARIABLE}=$$:$1; export ${STARTED_WITH_VARIABLE}; shift; exec "$@"`;

/**
 * Starts a server that goes on in the background: in a session of its own, away from the
 * terminal, with a file for its log. Returns when it listens.
 *
 * @throws Error if one is up already, or the new one does not listen
 */
export async function serveInBackground(flags: ServeFlags): Promise<void> {
  // They are for this process, which is not the one that serves.
  takeSystemdVariables(process.env);
  const addresses = listenAddresses(flags, '--daemon');
  for (const address of addresses) {
    const found = await statusAt(address);
    if (found === undefined) continue;
    const who = found.pid === undefined ? '' : `, as process ${found.pid}`;
    throw new Error(
      `a server is up already at ${found.address}${who}, version ${found.version ?? 'unknown'}`,
    );
  }
  // Here it can be said at once.
  checkFlags(flags);
  const folder = flags.stateDir ?? defaultStateFolder(process.env);
  await ensureUnsharedFolder(folder);
  const path = join(folder, LOG_NAME);
  const log = openPrivateLog(path);
  const begin = fstatSync(log).size;
  const { argv, execArgv, execPath } = process;
  const words = argv.slice(1).filter((word) => word !== '--daemon');
  const told = toldFields(oddVariables());
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', told, execPath, ...execArgv, ...words], {
    // A session of its own: what is sent to all of a terminal is not meant for it.
    detached: true,
    stdio: ['ignore', 'pipe', log],
  });
  closeSync(log);
  const { stdout } = child;
  if (stdout === null) throw new Error('the server has no standard output');
  const ended = once(child, 'exit');
  const expected = addresses.length + (flags.metrics === undefined ? 0 : 1);
  let listening = 0;
  for await (const line of createInterface(stdout)) {
    await printLine(line);
    listening += 1;
    if (listening === expected) break;
  }
  if (listening < expected) {
    const [code] = (await ended) as [number | null];
    // What earlier servers logged may be much.
    const said = await text(createReadStream(path, { start: begin }));
    const lines = said.split('\n').filter((line) => line.startsWith('runlet: '));
    sayAsIs(
      lines.length > 0
        ? `${lines.join('\n')}\n`
        : `runlet: the server ended before it listened; its log is ${path}\n`,
    );
    process.exitCode = code || FAILURE_EXIT_CODE;
    return;
  }
  await printLine(`its log is ${path}`);
  child.unref();
}

/** Those that a shell would drop or change: it has no such names. */
function oddVariables(): readonly Buffer[] {
  return [...inheritedVariables()]
    .filter(([name]) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    .map(([name, value]) => bytesOfText(`${name}=${value}`));
}
