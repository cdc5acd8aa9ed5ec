import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { type CliResult, MAIN, resultOf } from '../support/cli.ts';
import { serveHere, temporaryFolder } from '../support/harness.ts';

/** Runs a shell script, in which `$RUN` is `runlet run` with flags. */
function shell(script: string, ...flags: readonly string[]): Promise<CliResult> {
  const RUN = [process.execPath, MAIN, 'run', ...flags, '--'].join(' ');
  return resultOf(spawn('sh', ['-c', script], { env: { ...process.env, RUN } }));
}

/** What it prints with `$RUN`, and what it prints without. */
async function printedBy(script: string): Promise<[string, string]> {
  const { stdout } = await shell(script);
  const plain = await shell(script.replaceAll('$RUN', ''));
  return [stdout.toString(), plain.stdout.toString()];
}

describe('the standard input of runlet run', () => {
  it.each([
    ['a pipe, in a loop', 'printf "a\\nb\\nc\\n" | while read -r x; do $RUN echo got $x; done'],
    ['a pipe that the next command reads', 'printf "one\\ntwo\\n" | { $RUN true; cat; }'],
    ['a pipe that it reads in part', 'printf "one\\ntwo\\n" | { $RUN sh -c "read -r x"; cat; }'],
    ['a file that it reads in part', 'seq 5 > $F; { $RUN head -1 | sed s/1/x/; cat; } < $F'],
  ])('is read only as the program does: %s', async (_, script) => {
    const file = join(await temporaryFolder(), 'file');
    const [wrapped, plain] = await printedBy(script.replaceAll('$F', file));
    expect(plain).not.toBe('');
    expect(wrapped).toBe(plain);
  });

  it('is left alone with -n', async () => {
    expect((await shell('echo a | { $RUN cat; cat; }', '-n')).stdout.toString()).toBe('a\n');
    const address = ['--address', formatAddress((await serveHere()).address)];
    const { stdout } = await shell('echo a | { $RUN cat; cat; }', '-n', ...address);
    expect(stdout.toString()).toBe('a\n');
  });

  it('is passed on where it is a socket that is written to as well', async () => {
    const folder = await temporaryFolder();
    const server = createServer({ allowHalfOpen: true }).listen(join(folder, 's'));
    await once(server, 'listening');
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const client = connect(join(folder, 's'));
    const [socket] = await connected;
    // One socket is all three, as inetd(8) has it.
    const child = spawn(process.execPath, [MAIN, 'run', '--', 'cat'], {
      stdio: [client, client, 'inherit'],
    });
    const exited = once(child, 'exit');
    const answered = once(socket, 'data');
    socket.end('hello\n');
    expect(String((await answered)[0])).toBe('hello\n');
    expect(await exited).toEqual([0, null]);
    client.destroy();
    server.close();
  });

  it('is an error of the program where it cannot be read', async () => {
    const { code, stderr } = await shell('$RUN cat < /');
    expect([code, stderr]).toEqual([1, 'cat: -: Is a directory\n']);
  });

  it('ends, and is an error, where it cannot be read for a server elsewhere', async () => {
    const { address } = await serveHere();
    const { code, stderr, stdout } = await shell(
      '$RUN sh -c "cat; echo done" < /',
      ...['--address', formatAddress(address), '--env', 'PATH'],
    );
    expect([code, stdout.toString()]).toEqual([125, 'done\n']);
    expect(stderr).toMatch(/^runlet: standard input: .*EISDIR.*\n$/);
  });

  it('has ended for a server elsewhere where it is not open for reading', async () => {
    const { address } = await serveHere();
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    const { code, stderr, stdout } = await shell(
      `$RUN sh -c "cat; echo done" 0> ${file}`,
      ...['--address', formatAddress(address), '--env', 'PATH'],
    );
    expect([code, stderr, stdout.toString()]).toEqual([0, '', 'done\n']);
  });
});
