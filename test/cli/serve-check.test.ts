import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CheckedConfig, checkConfig } from '../../src/cli/serve-check.ts';
import { certify, makeAuthority, revoke } from '../support/certificates.ts';
import { temporaryFolder } from '../support/harness.ts';
import { configOf, type Told } from '../support/serve-config.ts';
import { linedToken } from '../support/token-server.ts';

/** Is in every file that holds a secret. */
const SECRET = 'hunter2hunter2hunter2';

/** What becomes of looking at it. */
async function checked(told: Told): Promise<CheckedConfig> {
  return checkConfig(await configOf(told));
}

/** A configuration with every file that there can be, all of them good, and the names of these. */
async function everyFile(): Promise<{ readonly folder: string; readonly config: object }> {
  const folder = await temporaryFolder();
  const at = (name: string): string => join(folder, name);
  const authority = await makeAuthority('authority');
  const server = await certify('server', authority, { hosts: ['localhost'] });
  const files = {
    tokens: `${linedToken('ci').line}\n`,
    'policy.yaml': 'principals: [{match: "*"}]',
    'profiles.yaml': 'profiles: {a: {rules: []}}',
    'jwks.json': '{"keys": []}',
    'tls.crt': server.certificate,
    'tls.key': server.key,
    'ca.crt': authority.certificate,
    'ca.crl': await revoke(authority, []),
    credential: `Bearer ${SECRET}\n`,
    scrape: `${SECRET}\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(at(name), text, { mode: 0o600 });
  }
  const config = {
    listen: ['127.0.0.1:1', `unix:${at('socket')},auth=peer`],
    auth: ['token', 'jwt', 'mtls'],
    'token-file': at('tokens'),
    jwks: at('jwks.json'),
    'jwt-issuer': 'https://login.example.org',
    'jwt-audience': 'runlet',
    'tls-cert': at('tls.crt'),
    'tls-key': at('tls.key'),
    'client-ca': at('ca.crt'),
    'client-crl': at('ca.crl'),
    'client-name': 'spiffe://example.org/**',
    policy: at('policy.yaml'),
    'sandbox-profiles': at('profiles.yaml'),
    'http-credential': `api=api.example.org,authorization,${at('credential')}`,
    'http-ca': at('ca.crt'),
    metrics: '0.0.0.0:1',
    'metrics-token-file': at('scrape'),
    audit: at('audit.jsonl'),
    'state-dir': at('state/below'),
    'file-root': folder,
  };
  return { folder, config };
}

describe('a configuration in which nothing is wrong', () => {
  it('has all of its files looked at, and leaves none behind', async () => {
    const { config, folder } = await everyFile();
    const before = await readdir(folder);
    const { exitCode, files, problems, warnings } = await checked({ file: JSON.stringify(config) });
    expect([exitCode, problems, warnings]).toEqual([0, [], []]);
    expect(files.map(({ key }) => key)).toEqual([
      'tls-cert',
      'token-file',
      'jwks',
      'policy',
      'sandbox-profiles',
      'http-credential',
      'http-ca',
      'metrics-token-file',
      'audit',
      'state-dir',
      'file-root',
    ]);
    expect(await readdir(folder)).toEqual(before);
  });

  it('may still be odd, which is told', async () => {
    const { config, folder } = await everyFile();
    await chmod(join(folder, 'credential'), 0o604);
    const { exitCode, warnings } = await checked({ file: JSON.stringify(config) });
    expect(exitCode).toBe(0);
    expect(warnings).toEqual([
      `${join(folder, 'credential')}: every user can read the file of this credential`,
    ]);
  });

  it('asks for nothing over the network', async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.end('{"keys": []}');
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const { config } = await everyFile();
    const jwks = `http://127.0.0.1:${port}/keys`;
    const { exitCode } = await checked({ file: JSON.stringify({ ...config, jwks }) });
    expect([exitCode, asked]).toEqual([0, 0]);
  });
});

/** Files that are not what they have to be: their names, what is in them, and what is said. */
const WRONG_FILES: readonly (readonly [string, string, string])[] = [
  ['tokens', 'ci nonsense', 'token-file'],
  ['jwks.json', `{"keys": ${SECRET}`, 'jwks'],
  ['tls.key', `-----BEGIN PRIVATE KEY-----\n${SECRET}\n`, 'tls-cert'],
  ['policy.yaml', 'principals: 5', 'policy'],
  ['profiles.yaml', `profiles: {${SECRET}: 1}`, 'sandbox-profiles'],
  ['credential', SECRET.repeat(10_000), 'http-credential'],
  ['scrape', 'short', 'metrics-token-file'],
];

describe('a configuration with files that are wrong', () => {
  it.each(WRONG_FILES)('names the key and the file: %s', async (name, text, key) => {
    const { config, folder } = await everyFile();
    await writeFile(join(folder, name), text);
    const { exitCode, problems } = await checked({ file: JSON.stringify(config) });
    expect(problems.map((problem) => problem.key)).toEqual([key]);
    expect(exitCode).toBeGreaterThan(0);
  });

  it('has all of them told, and no secret', async () => {
    const { config, folder } = await everyFile();
    for (const [name, text] of WRONG_FILES) await writeFile(join(folder, name), text);
    await writeFile(join(folder, 'ca.crt'), SECRET);
    await mkdir(join(folder, 'audit.jsonl'));
    await writeFile(join(folder, 'state'), '');
    const flags = { ...config, 'file-root': [folder, join(folder, 'none')] };
    const found = await configOf({ file: JSON.stringify(flags) });
    const { problems } = await checkConfig(found);
    expect(problems.map(({ key }) => key)).toEqual([
      'tls-cert',
      'token-file',
      'jwks',
      'policy',
      'sandbox-profiles',
      'http-credential',
      'http-ca',
      'metrics-token-file',
      'audit',
      'state-dir',
      'file-root',
    ]);
    expect(JSON.stringify(problems)).not.toContain(SECRET);
  });

  it('has them told beside what is wrong in it itself', async () => {
    const { problems } = await checked({
      file: 'policy: /none\ngrace: soon\n',
      variables: { RUNLET_SERVE_HEARTBEAT: '0' },
    });
    expect(problems.map(({ key, line, variable }) => [key, line, variable])).toEqual([
      ['heartbeat', undefined, 'RUNLET_SERVE_HEARTBEAT'],
      ['grace', 2, undefined],
      ['policy', undefined, undefined],
    ]);
  });
});

describe('flags that do not fit together', () => {
  it('are all told, wherever they come from', async () => {
    const { exitCode, problems } = await checked({
      words: ['--listen', '0.0.0.0:1', '--auth', 'jwt,mtls', '--drain', 'wait'],
      variables: { RUNLET_SERVE_AUDIT_REQUIRED: 'true', RUNLET_SERVE_TLS_KEY: '/none' },
      file: JSON.stringify({
        'high-water': 'sessions=9',
        'max-sessions': 8,
        'min-detached-ttl': '1h',
        'client-crl': '/none',
        'metrics-token-file': '/none',
        'token-file': '/none',
      }),
    });
    expect(exitCode).toBe(2);
    expect(problems.map(({ message }) => message)).toEqual([
      '--auth mtls on 0.0.0.0:1 needs TLS: --tls-cert, --tls-key and --client-ca',
      '--detached-ttl must lie between --min-detached-ttl and --max-detached-ttl',
      '--drain wait needs --drain-timeout',
      '--client-crl needs --client-ca',
      '--token-file is of no use without --auth token',
      '--auth jwt needs --jwks, --jwt-issuer and --jwt-audience',
      '--audit-required needs --audit',
      '--metrics-token-file needs --metrics',
      '--metrics-token-file: it cannot be read (ENOENT)',
    ]);
  });
});
