import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SandboxLayer } from '../../src/sandbox/sandbox-spec.ts';
import { runCli } from '../support/cli.ts';
import { type CliUser, cliUser, jsonLines } from '../support/cli-user.ts';
import { errorOf } from '../support/client.ts';
import { serveHere, temporaryFolder } from '../support/harness.ts';

const AGENT: SandboxLayer = {
  rules: [
    { at: { place: 'platform' }, access: 'read', missingOk: false },
    { at: { place: 'temp' }, access: 'write', missingOk: false },
    { at: { place: 'cwd' }, access: 'write', missingOk: false },
  ],
  network: 'none',
};

/** A user of a server with one profile, `agent`. */
async function userOfServer(options: { readonly requireSandbox?: boolean } = {}): Promise<CliUser> {
  const { address } = await serveHere({
    sandboxProfiles: () => new Map([['agent', AGENT]]),
    ...options,
  });
  return cliUser(address);
}

/** A folder with a file that is secret, and one beside it. */
async function folders(): Promise<{ readonly inside: string; readonly outside: string }> {
  const [inside, outside] = [await temporaryFolder(), await temporaryFolder()];
  await writeFile(join(inside, 'secret'), 'nobody knows\n');
  await writeFile(join(outside, 'there'), 'before\n');
  return { inside, outside };
}

const isMissing = async (path: string): Promise<unknown> => errorOf(readFile(path));

describe('runlet run in a sandbox', () => {
  it('changes what it is allowed to, and nothing else', async () => {
    const user = await cliUser({ kind: 'unix', path: '/nonexistent' });
    const env = { ...user.env, RUNLET_ADDRESS: '' };
    const { inside, outside } = await folders();
    const script = `echo made >made; echo after >${outside}/there; echo new >${outside}/new; cat secret; true`;
    const run = ['run', '--cwd', inside, '--allow-write', '.', '--deny', 'secret', '--'];
    const { code, stdout } = await runCli([...run, 'sh', '-c', script], '', { env });
    expect([code, stdout.toString()]).toEqual([0, '']);
    expect(await readFile(join(inside, 'made'), 'utf8')).toBe('made\n');
    expect(await readFile(join(inside, 'secret'), 'utf8')).toBe('nobody knows\n');
    expect(await readFile(join(outside, 'there'), 'utf8')).toBe('before\n');
    expect(await isMissing(join(outside, 'new'))).toMatchObject({ code: 'ENOENT' });
  });

  it('has the exit code and the signal of the program', async () => {
    const user = await userOfServer();
    const run = ['run', '--network', 'none', '--', 'sh', '-c'];
    expect((await user.run([...run, 'exit 137'])).code).toBe(137);
    const killed = await user.run(['run', '--json', ...run.slice(1), 'kill -9 $$']);
    const last = jsonLines(killed.stdout.toString()).at(-1);
    expect(last).toMatchObject({ kind: 'closed', code: null, signal: 'SIGKILL' });
  });

  it('says what enforces it', async () => {
    const user = await userOfServer();
    const { stdout } = await user.run(['run', '--json', '--network', 'none', 'true']);
    expect(jsonLines(stdout.toString())[0]).toMatchObject({
      kind: 'started',
      sandbox: 'bubblewrap',
    });
    const bare = await user.run(['run', '--json', 'true']);
    expect(jsonLines(bare.stdout.toString())[0]).toMatchObject({ kind: 'started', sandbox: null });
  });

  it('begins in its own folder for temporary files where this one is not shown', async () => {
    const user = await userOfServer();
    const where = ['--', 'sh', '-c', 'pwd; echo "$TMPDIR"'];
    expect(await user.print('run', '--network', 'none', ...where)).toBe('/tmp\n/tmp\n');
    const { inside } = await folders();
    expect(await user.print('run', '--cwd', inside, '--allow-read', '@cwd', ...where)).toBe(
      `${inside}\n/tmp\n`,
    );
  });

  it('does not find a program that is not visible, and says where', async () => {
    const user = await userOfServer();
    const { inside } = await folders();
    await writeFile(join(inside, 'program'), '#!/bin/sh\necho ran\n', { mode: 0o755 });
    const program = join(inside, 'program');
    const refused = await user.run(['run', '--network', 'none', program]);
    expect(refused).toMatchObject({ code: 127, stdout: Buffer.alloc(0) });
    expect(refused.stderr).toMatch(/^runlet: \/.* in its sandbox: .*: ENOENT \(START_FAILED\)\n$/);
    expect(await user.print('run', '--allow-read', inside, program)).toBe('ran\n');
  });

  it('is not run where what a rule names is not there', async () => {
    const user = await userOfServer();
    const { inside } = await folders();
    const made = join(inside, 'made');
    const nope = join(inside, 'nope');
    const script = ['--', 'sh', '-c', `echo x >${made}`];
    const run = ['run', '--allow-write', inside, '--allow-read', nope, ...script];
    const refused = await user.run(run);
    expect(refused.code).toBe(125);
    expect(refused.stderr).toMatch(/^runlet: .*rule: .*ENOENT.* \(SANDBOX_UNAVAILABLE\)\n$/);
    expect(await isMissing(made)).toMatchObject({ code: 'ENOENT' });
    // What is denied need not be there, and cannot be made.
    await user.run(['run', '--allow-write', inside, '--deny', made, ...script]);
    expect(await isMissing(made)).toMatchObject({ code: 'ENOENT' });
  });
});

describe('a profile of a server', () => {
  it('is what a process is run in, and is narrowed by what is denied', async () => {
    const user = await userOfServer();
    const { inside, outside } = await folders();
    const cat = ['--', 'cat', join(inside, 'secret')];
    const run = ['run', '--cwd', inside, '--sandbox', 'agent'];
    expect(await user.print(...run, ...cat)).toBe('nobody knows\n');
    expect((await user.run([...run, '--deny', 'secret', ...cat])).code).toBe(1);
    const write = ['--', 'sh', '-c', `echo made >made; echo x >${outside}/there`];
    await user.run([...run, '--deny', 'secret', ...write]);
    expect(await readFile(join(inside, 'made'), 'utf8')).toBe('made\n');
    expect(await readFile(join(outside, 'there'), 'utf8')).toBe('before\n');
    // More than it allows is not to be had.
    await user.run([...run, '--allow-write', outside, ...write]);
    expect(await readFile(join(outside, 'there'), 'utf8')).toBe('before\n');
  });

  it('that there is not is refused by its flag', async () => {
    const user = await userOfServer();
    const { code, stderr } = await user.run(['run', '--sandbox', 'none-such', 'true']);
    expect(code).toBe(125);
    expect(stderr).toMatch(/^runlet: --sandbox: .* \(INVALID_REQUEST\)\n$/);
  });

  it('is completed, and told of', async () => {
    const user = await userOfServer();
    expect(await user.print('complete', '--within', '1m', 'profiles')).toBe('agent\t\n');
    expect(await user.print('info')).toMatch(/^sandbox profiles +agent$/m);
  });

  it('or another sandbox has to be named where the server requires one', async () => {
    const user = await userOfServer({ requireSandbox: true });
    const said = /^runlet: .*--sandbox, --allow-read or --allow-write asks for one/;
    const bare = await user.run(['run', 'true']);
    expect([bare.code, bare.stderr]).toEqual([125, expect.stringMatching(said)]);
    const files = await user.run(['files', 'ls', '/etc']);
    expect([files.code, files.stderr]).toEqual([125, expect.stringMatching(said)]);
    expect((await user.run(['run', '--network', 'none', 'true'])).code).toBe(0);
  });
});

describe('commands about files in a sandbox', () => {
  it('get as far as its rules let them', async () => {
    const user = await userOfServer();
    const { inside, outside } = await folders();
    await mkdir(join(inside, 'deep'));
    const allow = ['--allow-write', inside, '--deny', join(inside, 'secret')];
    const ls = await user.print('files', 'ls', ...allow, inside);
    expect(ls.split('\n')).toContain('deep');
    expect((await user.run(['files', 'cat', ...allow, join(inside, 'secret')])).code).toBe(1);
    expect((await user.run(['files', 'cat', ...allow, join(outside, 'there')])).code).toBe(1);
    await user.print('cp', ...allow, join(outside, 'there'), `:${inside}/deep/copy`);
    expect(await readFile(join(inside, 'deep', 'copy'), 'utf8')).toBe('before\n');
    const out = await user.run(['cp', ...allow, join(outside, 'there'), `:${outside}/copy`]);
    expect(out.code).not.toBe(0);
    expect(await isMissing(join(outside, 'copy'))).toMatchObject({ code: 'ENOENT' });
    const removed = await user.run(['files', 'rm', ...allow, join(outside, 'there')]);
    expect(removed.code).not.toBe(0);
    expect(await readFile(join(outside, 'there'), 'utf8')).toBe('before\n');
  });
});
