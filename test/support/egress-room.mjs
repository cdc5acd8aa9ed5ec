// @ts-check
/**
 * Runs in a network namespace of its own, whose addresses it makes: listens at all of them, starts
 * servers beside itself, and tells each connection that came. Ends when its standard input does.
 */
import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * What the test asks for.
 *
 * @typedef {object} Plan
 * @property {string} main the built program
 * @property {string} folder where the sockets of servers are
 * @property {readonly string[]} addresses those that the machine has here
 * @property {readonly string[]} routes ranges of addresses that lead to it without being its own
 * @property {Readonly<Record<string, string>>} names what names lead to, in order
 * @property {readonly number[]} ports
 * @property {Readonly<Record<string, readonly string[]>>} servers their flags
 * @property {Readonly<Record<string, Readonly<Record<string, string>>>>} environments their variables
 */

/** @type {Plan} */
const plan = JSON.parse(process.argv[2] ?? '');

execFileSync('ip', ['link', 'set', 'lo', 'up']);
for (const address of plan.addresses) {
  const isV6 = address.includes(':');
  const own = isV6 ? [`${address}/128`, 'dev', 'lo', 'nodad'] : [`${address}/32`, 'dev', 'lo'];
  execFileSync('ip', [isV6 ? '-6' : '-4', 'addr', 'add', ...own]);
}
for (const range of plan.routes) {
  execFileSync('ip', ['route', 'add', 'local', range, 'dev', 'lo']);
}
const hosts = Object.entries(plan.names).flatMap(([name, addresses]) =>
  addresses.split(' ').map((address) => `${address} ${name}\n`),
);
const file = join(plan.folder, 'hosts');
writeFileSync(file, `127.0.0.1 localhost\n::1 localhost\n${hosts.join('')}`);
execFileSync('mount', ['--bind', file, '/etc/hosts']);

/** @type {{ address: string, port: number, bytes: number }[]} */
const came = [];

/** @type {(port: number, host: string) => Promise<void>} */
const listen = (port, host) =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      const connection = { address: socket.localAddress ?? '', port, bytes: 0 };
      came.push(connection);
      socket.on('error', () => {});
      socket.on('data', (data) => {
        connection.bytes += data.length;
        // What is asked for may say where the answer leads.
        const [, to] = /^[A-Z]+ \/\?to=(\S+) /.exec(data.toString()) ?? [];
        const status =
          to === undefined ? '200 OK' : `302 Found\r\nlocation: ${decodeURIComponent(to)}`;
        socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      });
    });
    server.on('error', reject);
    server.listen({ port, host, ipv6Only: host === '::' }, resolve);
  });

for (const port of plan.ports) {
  await listen(port, '0.0.0.0');
  await listen(port, '::');
}

/** @type {(name: string, flags: readonly string[]) => Promise<readonly string[]>} */
const start = (name, flags) =>
  new Promise((resolve, reject) => {
    const socket = join(plan.folder, `${name}.sock`);
    const fixed = ['serve', '--listen', `unix:${socket}`, '--log-level', 'error'];
    const state = ['--state-dir', join(plan.folder, `${name}.state`)];
    const server = spawn(process.execPath, [plan.main, ...fixed, ...state, ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], ...plan.environments[name] },
    });
    process.on('exit', () => server.kill('SIGKILL'));
    const count = 1 + flags.filter((flag) => flag === '--listen').length;
    /** @type {string[]} */
    const lines = [];
    createInterface(server.stdout).on('line', (line) => {
      if (lines.push(line.replace('runlet listening on ', '')) === count) resolve(lines);
    });
    server.on('exit', () => reject(new Error(`the server ${name} has ended`)));
  });

/** @type {Record<string, readonly string[]>} */
const servers = {};
for (const [name, flags] of Object.entries(plan.servers)) servers[name] = await start(name, flags);
process.stdout.write(`${JSON.stringify(servers)}\n`);

// Whatever is asked for is all that came so far.
createInterface(process.stdin)
  .on('line', () => void process.stdout.write(`${JSON.stringify(came.splice(0))}\n`))
  .on('close', () => process.exit());
