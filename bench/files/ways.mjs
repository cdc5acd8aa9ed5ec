// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/*
 * Ways to carry files to a server and back. Each is a line for a shell with these variables: NODE,
 * MAIN (the command line), CLIENT, SOCKET, FROM and TO.
 */

/**
 * A way to carry something, both ways.
 *
 * @typedef {object} Way
 * @property {string} name
 * @property {string} up
 * @property {string} down
 */

const MAIN = fileURLToPath(new URL('../../bundle/main.js', import.meta.url));
const CLIENT = fileURLToPath(new URL('../files-client.mjs', import.meta.url));

const RUN = '"$NODE" "$MAIN" run --address "unix:$SOCKET"';

/** One file: with and without a process in between. @type {readonly Way[]} */
export const FILE_WAYS = [
  {
    name: 'cp',
    up: '"$NODE" "$MAIN" cp -q --address "unix:$SOCKET" "$FROM" ":$TO"',
    down: '"$NODE" "$MAIN" cp -q --address "unix:$SOCKET" ":$FROM" "$TO"',
  },
  {
    name: 'client',
    up: '"$NODE" "$CLIENT" "$SOCKET" up "$FROM" "$TO"',
    down: '"$NODE" "$CLIENT" "$SOCKET" down "$FROM" "$TO"',
  },
  {
    name: 'cat',
    up: `${RUN} -- sh -c 'cat >"$1"' sh "$TO" <"$FROM"`,
    down: `${RUN} -n -- cat "$FROM" >"$TO"`,
  },
];

/** A folder: as trees, and by tar(1) at both ends. @type {readonly Way[]} */
export const FOLDER_WAYS = [
  {
    name: 'cp',
    up: '"$NODE" "$MAIN" cp -qr --address "unix:$SOCKET" "$FROM" ":$TO"',
    down: '"$NODE" "$MAIN" cp -qr --address "unix:$SOCKET" ":$FROM" "$TO"',
  },
  {
    name: 'tar',
    up: `mkdir "$TO" && tar -C "$FROM" -c . | ${RUN} -- tar -C "$TO" -x`,
    down: `mkdir "$TO" && ${RUN} -n -- tar -C "$FROM" -c . | tar -C "$TO" -x`,
  },
];

/**
 * Carries something in one way, and tells how long that took.
 *
 * @param {string} line of a way
 * @param {{ socket: string, from: string, to: string }} what
 * @returns {Promise<number>} in milliseconds
 * @throws Error if it fails
 */
export async function carry(line, { socket, from, to }) {
  const env = {
    ...process.env,
    NODE: process.execPath,
    MAIN,
    CLIENT,
    SOCKET: socket,
    FROM: from,
    TO: to,
  };
  const began = performance.now();
  const child = spawn('sh', ['-c', line], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`exit code ${code}: ${line}`);
  return performance.now() - began;
}
