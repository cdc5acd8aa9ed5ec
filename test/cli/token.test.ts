import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseToken } from '../../src/identity/tokens/token-format.ts';
import { parseTokenFile } from '../../src/identity/tokens/token-line.ts';
import { verifyChain } from '../../src/identity/tokens/verify-chain.ts';
import { type CliResult, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/harness.ts';
import { linedToken } from '../support/token-server.ts';

const SESSION = '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52';

/** Runs `runlet token`, in an environment that has no token of its own. */
async function token(
  args: readonly string[],
  { stdin = '', env = {} }: { stdin?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Omit<CliResult, 'stdout' | 'signal'> & { readonly stdout: string }> {
  const { RUNLET_TOKEN: _, RUNLET_TOKEN_FILE: __, ...others } = process.env;
  const { code, stderr, stdout } = await runCli(['token', ...args], stdin, {
    env: { ...others, ...env },
  });
  return { code, stderr, stdout: stdout.toString() };
}

describe('runlet token new', () => {
  it('prints the token, and beside it the line that a server lets it in by', async () => {
    const { code, stderr, stdout } = await token(['new', 'ci', '--grant', 'observe,input']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^rlt1\.[\w-]{43}\n$/)]);
    const { publicKey } = await verifyChain(parseToken(stdout.trim()));
    expect(stderr).toBe(`ci ${publicKey} observe,input\n`);
  });

  it('makes a file that only this user can read, and writes over none', async () => {
    const folder = await temporaryFolder();
    const [file, lines] = [`${folder}/ci.token`, `${folder}/tokens`];
    const args = ['new', 'ci', '--out', file, '--append', lines];
    expect(await token(args)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(lines).mode & 0o022).toBe(0);
    const [before, linesBefore] = [readFileSync(file, 'utf8'), readFileSync(lines, 'utf8')];
    const { publicKey } = await verifyChain(parseToken(before.trim()));
    expect(parseTokenFile(linesBefore).get(publicKey)?.name).toBe('ci');
    expect((await token(['new', 'cd', '--out', file, '--append', lines])).code).toBe(125);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(readFileSync(lines, 'utf8')).toBe(linesBefore);
  });

  it('adds a line to a file whose last line does not end, and leaves no token if it cannot', async () => {
    const folder = await temporaryFolder();
    const [file, lines] = [`${folder}/ci.token`, `${folder}/tokens`];
    writeFileSync(lines, `# all of them\n${linedToken('first').line}`, { mode: 0o600 });
    await token(['new', 'ci', '--append', lines]);
    const names = [...parseTokenFile(readFileSync(lines, 'utf8')).values()].map(({ name }) => name);
    expect(names).toEqual(['first', 'ci']);
    chmodSync(lines, 0o666);
    const { code, stderr } = await token(['new', 'cd', '--out', file, '--append', lines]);
    expect([code, stderr]).toEqual([
      125,
      `runlet: ${lines}: other users can write to it (chmod go-w)\n`,
    ]);
    expect(() => statSync(file)).toThrow('ENOENT');
  });
});

describe('runlet token narrow', () => {
  const { token: whole } = linedToken('ci');

  it('takes the token of a file, of a variable that names one, of a variable, or as input', async () => {
    const folder = await temporaryFolder();
    const files = ['one', 'two'].map((name) => `${folder}/${name}`);
    const tokens = ['a', 'b', 'c', 'd'].map((name) => linedToken(name));
    for (const [i, path] of files.entries()) writeFileSync(path, `${tokens[i]?.token}\n`);
    const env: NodeJS.ProcessEnv = {};
    const stdin = tokens[3]?.token ?? '';
    const narrowed = async (args: readonly string[]): Promise<string> => {
      const { stdout } = await token(['narrow', '--grant', 'observe', ...args], { env, stdin });
      return (await verifyChain(parseToken(stdout.trim()))).publicKey;
    };
    expect(await narrowed([])).toBe(tokens[3]?.publicKey);
    env['RUNLET_TOKEN'] = tokens[2]?.token;
    expect(await narrowed([])).toBe(tokens[2]?.publicKey);
    env['RUNLET_TOKEN_FILE'] = files[1];
    expect(await narrowed([])).toBe(tokens[1]?.publicKey);
    expect(await narrowed(['--token-file', files[0] ?? ''])).toBe(tokens[0]?.publicKey);
  });

  it('leaves what is asked for, and can be done again', async () => {
    const args = [
      'narrow',
      '--session',
      SESSION.toUpperCase(),
      '--not-after',
      '2099-01-31T12:00:00Z',
    ];
    const once = await token(args, { stdin: whole });
    const again = ['narrow', '--grant', 'observe', '--grant', 'input,signal'];
    const twice = await token(again, { stdin: once.stdout });
    expect(await verifyChain(parseToken(twice.stdout.trim()))).toMatchObject({
      sessionId: SESSION,
      exp: Date.UTC(2099, 0, 31, 12) / 1000,
      grants: new Set(['observe', 'input', 'signal']),
    });
  });
});

describe('runlet token inspect', () => {
  it('says all of a token but its secret', async () => {
    const { token: whole, publicKey } = linedToken('ci');
    const args = [
      'narrow',
      '--session',
      SESSION,
      '--grant',
      'observe',
      '--not-after',
      '2099-01-31',
    ];
    const { stdout: narrowed } = await token(args, { stdin: whole });
    const seed = narrowed.trim().split('~').at(-1) ?? '';
    const block = parseToken(narrowed.trim()).blocks[0];
    const { stdout } = await token(['inspect'], { stdin: narrowed });
    expect(stdout.replace(/ {2,}/g, ': ')).toBe(
      [
        `public key: ${publicKey}`,
        'narrowed: once',
        'grants: observe',
        `session: ${SESSION}`,
        'not after: 2099-01-31T00:00:00Z',
        `block 1: signed by ${publicKey}`,
        `: next key: ${block?.next}`,
        ': grants: observe',
        `: session: ${SESSION}`,
        ': not after: 2099-01-31T00:00:00Z',
        '',
      ].join('\n'),
    );
    const { stdout: json } = await token(['inspect', '--json'], { stdin: narrowed });
    const left = { grants: ['observe'], session: SESSION, notAfter: '2099-01-31T00:00:00Z' };
    expect(JSON.parse(json)).toEqual({
      publicKey,
      ...left,
      blocks: [{ signedBy: publicKey, nextKey: block?.next, ...left }],
    });
    for (const text of [stdout, json]) expect(text).not.toContain(seed);
  });

  it('says whether a server lets the holder in, and as whom', async () => {
    const lines = `${await temporaryFolder()}/tokens`;
    const [ada, over, nobody] = ['ada', 'over', 'nobody'].map((name) => linedToken(name));
    writeFileSync(lines, `${ada?.line}\n${over?.line} not-after=2020-01-31T12:00:00Z\n`);
    chmodSync(lines, 0o600);
    const { stdout: narrowed } = await token(['narrow', '--grant', 'observe,admin'], {
      stdin: ada?.token ?? '',
    });
    const lastLine = async (stdin = ''): Promise<readonly unknown[]> => {
      const { code, stdout } = await token(['inspect', '--key-file', lines], { stdin });
      return [code, stdout.trim().split('\n').at(-1)?.replace(/ {2,}/g, ': ')];
    };
    expect(await lastLine(narrowed)).toEqual([0, 'let in: as token:ada: observe']);
    expect(await lastLine(over?.token)).toEqual([
      1,
      'let in: no: token:over was, until 2020-01-31T12:00:00Z',
    ]);
    expect(await lastLine(nobody?.token)).toEqual([1, 'let in: no: its key is not in the file']);
    const args = ['inspect', '--json', '--key-file', lines];
    const { stdout: json } = await token(args, { stdin: nobody?.token ?? '' });
    expect(JSON.parse(json)).toMatchObject({ accepted: null });
  });

  it('refuses a token whose signature is wrong', async () => {
    const { token: whole } = linedToken('ci');
    const { stdout } = await token(['narrow', '--grant', 'observe'], { stdin: whole });
    const [block = '', seed] = stdout.trim().slice(5).split('~');
    const [header, payload, signature = ''] = block.split('.');
    const other = signature.startsWith('A') ? 'B' : 'A';
    const changed = `rlt1.${header}.${payload}.${other}${signature.slice(1)}~${seed}`;
    expect(await token(['inspect'], { stdin: changed })).toEqual({
      code: 125,
      stdout: '',
      stderr: 'runlet: the token is wrong: the signature of a block is wrong\n',
    });
  });
});
