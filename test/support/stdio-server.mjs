// A server that speaks JSON-RPC over its stdin and stdout, and does what it is told:
// the method of a request says how it misbehaves.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const answer = (id, result) => `${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`;

/** Resolves when it was written. */
const write = (stream, data) => new Promise((resolve) => stream.write(data, resolve));

let goOn;

const METHODS = {
  echo: (id, params) => write(process.stdout, answer(id, params)),
  environment: (id) => write(process.stdout, answer(id, { ...process.env })),
  async garbage(id) {
    await write(process.stdout, 'listening on nothing\n\n{"jsonrpc":"1.0"}\n');
    await write(process.stdout, answer(id, {}));
  },
  async halves(id, { text }) {
    const bytes = Buffer.from(answer(id, { text }));
    // In the middle of the first character that takes more than one byte.
    const middle = bytes.findIndex((byte) => byte > 0x7f) + 1;
    await write(process.stdout, bytes.subarray(0, middle));
    await write(process.stderr, 'half');
    await new Promise((resolve) => {
      goOn = resolve;
    });
    await write(process.stdout, bytes.subarray(middle));
  },
  proceed: () => goOn?.(),
  async endless(id) {
    await write(process.stdout, answer(id, {}));
    for (;;) await write(process.stdout, Buffer.alloc(65_536, 'x'));
  },
  async exit(id, { code }) {
    await write(process.stdout, answer(id, { text: 'the last one' }));
    process.exit(code);
  },
  async heir(id) {
    const child = spawn('sleep', ['1000'], { stdio: ['ignore', 'inherit', 'inherit'] });
    await write(process.stdout, answer(id, { pid: child.pid }));
    process.exit(0);
  },
  async deaf(id) {
    process.stdin.destroy();
    closeSync(0);
    await write(process.stdout, answer(id, {}));
    setInterval(() => {}, 1_000);
  },
  /** Reads no more; exits when there is a file, and leaves a child that holds its stdout. */
  async 'deaf-heir'(id, { begin }) {
    process.stdin.destroy();
    closeSync(0);
    await write(process.stdout, answer(id, {}));
    while (!existsSync(begin)) await sleep(5);
    const script = 'trap "" TERM; echo there; while :; do sleep 1; done';
    const child = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('spawn', () => process.exit(0));
  },
  async stubborn(id) {
    process.on('SIGTERM', () => {});
    setInterval(() => {}, 1_000);
    await write(process.stdout, answer(id, { pid: process.pid }));
  },
  /** Writes lines, beginning when there is a file, and makes another one then. */
  async flood(id, { lines, begin, done }) {
    while (!existsSync(begin)) await sleep(5);
    const padding = 'x'.repeat(1_000);
    for (let i = 0; i < lines; i += 1)
      await write(process.stdout, answer(`${id}-${i}`, { padding }));
    writeFileSync(done, '');
  },
  /** Writes a file, and says by which error of the system it failed, if it did. */
  async write(id, { path, text }) {
    let error = null;
    try {
      writeFileSync(path, text);
    } catch ({ code }) {
      error = code;
    }
    await write(process.stdout, answer(id, { error }));
  },
  async last(id) {
    process.stdin.once('end', () => process.stdout.write(answer('after the end', {})));
    await write(process.stdout, answer(id, {}));
  },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  void METHODS[method](id, params);
});
