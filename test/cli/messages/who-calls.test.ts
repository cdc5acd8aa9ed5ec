import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer as createHttp1 } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { formatAddress } from '../../../src/address.ts';
import { parseWords } from '../../../src/cli/parse-words.ts';
import { bearers, granting, serveBearers } from '../../support/bearers.ts';
import { certify, type Identity, makeAuthority } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/harness.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import { startTlsFront } from '../../support/tls-front.ts';
import type { Refused } from './refused.ts';
import { REFUSED_CALLERS, WRONG_CALLERS } from './who-calls.ts';

const { printed } = vi.hoisted(() => ({ printed: [] as string[] }));

vi.mock('../../../src/cli/standard-output.ts', () => ({
  standardOutput: (fd: number) => ({
    write: async (data: Uint8Array) =>
      void printed.push(`${fd === 2 ? '' : 'printed: '}${Buffer.from(data)}`),
  }),
  isWritingInThread: () => false,
}));

/** What stands for `$NAME` in a line. */
type Names = Readonly<Record<string, string>>;

const filled = (text: string, names: Names): string =>
  text.replace(/\$([A-Z0-9]+)\b/g, (whole, name: string) => names[name] ?? whole);

/** Does what a line says, and returns its exit code and all that it printed. */
async function typed(line: string, names: Names): Promise<readonly unknown[]> {
  const words = [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
  printed.length = 0;
  try {
    await parseWords(words.map((word) => filled(word, names)));
    return [process.exitCode, printed.join('')];
  } finally {
    process.exitCode = undefined;
  }
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const DAY_MS = 24 * 3_600_000;
const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);

/** Servers that want to know who calls, and what callers have. */
async function setUp(): Promise<Names> {
  const known = bearers('s3cr3t-good');
  known.add('s3cr3t-limited', granting('observe'));
  const { address } = await serveBearers(known);
  const authority = await makeAuthority('authority');
  const other = await makeAuthority('other');
  const [server, client, stranger] = [
    await certify('server', authority),
    await certify('client', authority),
    await certify('stranger', other),
  ];
  const [expired, future] = [
    await certify('expired', authority, { notBefore: inDays(-2), notAfter: inDays(-1) }),
    await certify('future', authority, { notBefore: inDays(1), notAfter: inDays(2) }),
  ];
  const folder = await temporaryFolder();
  const files: Readonly<Record<string, string | Buffer>> = {
    token: 's3cr3t-good\n',
    wrong: 's3cr3t-wrong',
    limited: 's3cr3t-limited',
    words: 's3cr3t words',
    'ca.pem': authority.certificate,
    'other.pem': other.certificate,
    'cert.pem': client.certificate,
    'key.pem': client.key,
    'stranger.pem': stranger.certificate,
    'stranger.key': stranger.key,
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  vi.stubEnv('RUNLET_ADDRESS', 'unix:/nonexistent');
  vi.stubEnv('XDG_STATE_HOME', folder);
  vi.stubEnv('XDG_RUNTIME_DIR', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  const front = async (identity: Identity, clients?: Identity): Promise<string> =>
    formatAddress((await startTlsFront(address, identity, clients)).address);
  return {
    FOLDER: folder,
    SECURE: await front(server),
    MUTUAL: await front(server, authority),
    EXPIRED: await front(expired),
    FUTURE: await front(future),
    PLAIN: formatAddress((await startProxy(address)).address),
    HTTP1: await listening(createHttp1()),
    CLOSING: await listening(createServer((socket) => socket.end())),
  };
}

async function outcomes(rows: readonly Refused[], names: Names): Promise<readonly unknown[]> {
  const got: unknown[] = [];
  for (const [line] of rows) got.push([line, ...(await typed(line, names))]);
  return got;
}

const wanted = (rows: readonly Refused[], names: Names, end = ''): readonly unknown[] =>
  rows.map(([line, code, said]) => [line, code, `runlet: ${filled(said ?? '', names)}${end}\n`]);

describe('what is said of who calls', () => {
  it('tells what the server says, or why it is not trusted', async () => {
    const names = await setUp();
    const got = await outcomes(REFUSED_CALLERS, names);
    expect(got).toEqual(wanted(REFUSED_CALLERS, names));
    expect(JSON.stringify(got)).not.toContain('s3cr3t');
  });

  it('leads to the help where words make no sense, and tells no secret', async () => {
    const names = await setUp();
    const got = (await outcomes(WRONG_CALLERS, names)).map((row) =>
      JSON.parse(JSON.stringify(row).replace(/; see `runlet \w+ --help`/, '')),
    );
    expect(got).toEqual(wanted(WRONG_CALLERS, names));
    expect(JSON.stringify(got)).not.toMatch(/s3cr3t|PRIVATE/);
  });
});

describe('the variables of who calls', () => {
  it.each([
    ['a token', { RUNLET_TOKEN: 's3cr3t-good' }, ''],
    ['a token with white space around it', { RUNLET_TOKEN: ' s3cr3t-good\n' }, ''],
    ['a file', { RUNLET_TOKEN_FILE: '$FOLDER/token' }, ''],
    [
      'a file, which comes before a token',
      { RUNLET_TOKEN_FILE: '$FOLDER/token', RUNLET_TOKEN: 's3cr3t-wrong' },
      '',
    ],
    [
      'a file that is wrong, before which a flag comes',
      { RUNLET_TOKEN_FILE: '$FOLDER/wrong', RUNLET_TOKEN: 's3cr3t-wrong' },
      '--token-file $FOLDER/token',
    ],
    ['a token, beside TLS that is asked for', { RUNLET_TOKEN: 's3cr3t-good', RUNLET_TLS: '1' }, ''],
    [
      'a token, beside TLS of which a flag says more than the variable',
      { RUNLET_TOKEN: 's3cr3t-good', RUNLET_TLS: '0' },
      '--ca $FOLDER/ca.pem',
    ],
    [
      'a certificate',
      {
        RUNLET_TOKEN: 's3cr3t-good',
        RUNLET_ADDRESS: '$MUTUAL',
        RUNLET_CERT: '$FOLDER/cert.pem',
        RUNLET_KEY: '$FOLDER/key.pem',
      },
      '',
    ],
    ['a name', { RUNLET_TOKEN: 's3cr3t-good', RUNLET_SERVER_NAME: '127.0.0.1' }, ''],
  ] as const)('let in with %s', async (_, variables, flags) => {
    const names = await setUp();
    const all = { RUNLET_ADDRESS: '$SECURE', RUNLET_CA: '$FOLDER/ca.pem', ...variables };
    for (const [name, value] of Object.entries(all)) vi.stubEnv(name, filled(value, names));
    const [code, text] = await typed(`info ${flags}`, names);
    expect([code, text]).toEqual([undefined, expect.stringMatching(/caller +token:tester\n/)]);
    expect(text).not.toContain('s3cr3t');
  });

  it.each([
    [{ RUNLET_TLS: 'maybe' }, 'RUNLET_TLS maybe: it is neither 1 nor 0'],
    [{ RUNLET_CA: '$FOLDER/none' }, 'RUNLET_CA $FOLDER/none: no such file or directory (ENOENT)'],
    [
      { RUNLET_TOKEN: 's3cr3t words' },
      'RUNLET_TOKEN must be 1 to 15872 printable ASCII characters without a space',
    ],
    [
      { RUNLET_TOKEN_FILE: '$FOLDER/none' },
      'RUNLET_TOKEN_FILE $FOLDER/none: no such file or directory (ENOENT)',
    ],
    [
      { RUNLET_TOKEN: 's3cr3t-good', RUNLET_ADDRESS: '192.0.2.1:1' },
      'RUNLET_TOKEN is not sent to 192.0.2.1:1 in plaintext: it takes --tls',
    ],
    [{ RUNLET_SERVER_NAME: 'a b' }, 'RUNLET_SERVER_NAME must be the name of a host'],
  ] as const)('are told of by their names: %j', async (variables, said) => {
    const names = await setUp();
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, filled(value, names));
    expect(await typed('info', names)).toEqual([
      2,
      `runlet: ${filled(said, names)}; see \`runlet info --help\`\n`,
    ]);
  });

  it('that are empty are not there, and RUNLET_TLS=0 leaves the others alone', async () => {
    const names = await setUp();
    for (const name of ['TOKEN', 'TOKEN_FILE', 'CERT', 'KEY', 'SERVER_NAME']) {
      vi.stubEnv(`RUNLET_${name}`, '');
    }
    vi.stubEnv('RUNLET_TLS', '0');
    vi.stubEnv('RUNLET_CA', '/nonexistent');
    vi.stubEnv('RUNLET_TOKEN', 's3cr3t-good');
    const [code, text] = await typed('info --address $PLAIN', names);
    expect([code, text]).toEqual([undefined, expect.stringMatching(/caller +token:tester\n/)]);
  });
});
