// A program that uses the packed library, as the compiler and Node.js see it.
import { strict as assert } from 'node:assert';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  CommandError,
  type ConnectOptions,
  connect,
  FileError,
  type FileReadable,
  OptionError,
  type OutputReadable,
  type ProcessEvent,
  type ProcessSpec,
  RemoteError,
  type RemoteProcess,
  type RunResult,
  SessionLostError,
  type WrittenFile,
} from 'runlet/client';

const options: ConnectOptions = { connectTimeoutMs: 60_000, metadata: { 'x-team': 'tools' } };
await using client = connect(process.argv[2] ?? '', options);
const session = await client.session();

const piped = await session.start({ argv: ['/bin/cat'], stdin: 'pipe' });
const stdin: Writable = piped.stdin;
const stdout: OutputReadable = piped.stdout;
const noTerminal: null = piped.terminal;
assert.equal(noTerminal, null);
stdin.end('to and fro');
assert.equal(await text(stdout), 'to and fro');

const printing = await session.start({ argv: ['/bin/echo', 'a line'] });
const asNodeHasIt: NodeJS.ReadableStream = printing.stdout;
for await (const line of createInterface({ input: asNodeHasIt })) assert.equal(line, 'a line');

const closed = await session.start({ argv: ['/bin/true'] });
const noStdin: null = closed.stdin;
assert.equal(noStdin, null);

const spec: ProcessSpec = { argv: ['/bin/true'] };
const unknown: RemoteProcess = await session.start(spec);
// @ts-expect-error: it may have none
assert.throws(() => unknown.stdin.end(), TypeError);

const events: ProcessEvent[] = [];
for await (const event of piped.events()) events.push(event);
assert.deepEqual(events.at(-1)?.kind, 'closed');

const path = `/tmp/runlet-package-${process.pid}`;
const written: WrittenFile = await session.files.write(path, 'content');
assert.equal(written.size, 7);
const reading: FileReadable = session.files.read(path);
const whole: NodeJS.ReadableStream = reading;
assert.equal(await text(whole as FileReadable), 'content');
for await (const { path: found } of session.files.walk('/tmp', { maxDepth: 1, include: [] })) {
  const typed: string = found;
  assert.ok(typed.startsWith('/tmp/'));
  break;
}
await session.files.remove(path);
const missing = session.files.stat(path);
await assert.rejects(
  missing,
  (error) => error instanceof FileError && error.errnoName === 'ENOENT',
);

const result: RunResult = await client.run(['/bin/echo', 'hello']);
assert.equal(result.stdout.toString(), 'hello\n');

const inText: RunResult<string> = await client.run(['/bin/echo', 'hello'], { encoding: 'utf8' });
assert.equal(inText.stdout, 'hello\n');
const { stdout: ofTemplate }: RunResult<string> = await client.$`/bin/echo ${'two  words'} ${3}`;
assert.equal(ofTemplate, 'two  words 3\n');
const { stdout: bytes }: RunResult = await client.$({ encoding: 'buffer' })`/bin/echo a`;
assert.equal(bytes.toString(), 'a\n');
const parsed = await client.run(['/bin/echo', '{"a":1}']).json<{ a: number }>();
assert.equal(parsed.a, 1);
for await (const line of client.$`/bin/echo line`.lines()) assert.equal(line, 'line');
await assert.rejects(client.run(['/bin/false'], { check: true }), (error) => {
  return error instanceof CommandError && error.code === 'COMMAND_FAILED' && error.exitCode === 1;
});
// @ts-expect-error: there is no such option
await assert.rejects(client.run(['/bin/true'], { timeout: 1 }), OptionError);

await assert.rejects(session.start({ argv: ['/no/such/program'] }), (error) => {
  return error instanceof RemoteError && error.startFailure?.errnoName === 'ENOENT';
});
await session.close();
await assert.rejects(session.info(), SessionLostError);

// Nothing else of the package is there for others.
const inner = 'runlet/dist/client/link.js';
await assert.rejects(import(inner), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
