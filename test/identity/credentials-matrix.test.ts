import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DescMethod } from '@bufbuild/protobuf';
import type { Client } from '@grpc/grpc-js';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientNamePattern } from '../../src/identity/mtls/client-name-pattern.ts';
import { mtlsAuthenticator } from '../../src/identity/mtls.ts';
import { makeToken, narrow } from '../../src/identity/tokens/make-token.ts';
import { needsOf } from '../../src/server/method-grants.ts';
import { openTls } from '../../src/server/tls/tls-source.ts';
import { certify, type Identity, makeAuthority } from '../support/certificates.ts';
import { as } from '../support/named-callers.ts';
import { SERVED } from '../support/served-methods.ts';
import { trusting } from '../support/tls.ts';
import { type Issuers, makeIssuers } from './credentials.ts';
import { type CallTarget, nameOf, namesSession, outcomeOf } from './every-call.ts';
import { CHANGE_FILES } from './file-calls.ts';
import { type MatrixServer, serveMatrix } from './matrix-server.ts';

/** A name that is let in, and one that is not, of certificates of the same authority. */
const LET_IN = 'spiffe://example.test/ci/one';
const NOT_LET_IN = 'spiffe://example.test/other';

let server: MatrixServer;
let target: CallTarget;
let untouched: unknown;
let owner: string;
/** Connections by what is known of their clients, and bearers by what is wrong with them. */
const connections: Record<string, Client> = {};
const bearers: Record<string, string> = {};

beforeAll(async () => {
  const authority = await makeAuthority('ours');
  const stranger = await makeAuthority('strangers');
  let issuers: Issuers | undefined;
  server = await serveMatrix(async (folder) => {
    issuers = await makeIssuers(folder, {
      owner: 'all',
      other: 'all',
      looks: 'observe',
      past: `all not-after=${new Date(Date.now() - 60_000).toISOString()}`,
    });
    const tls = await openTls({
      files: await filesIn(folder, await certify('server', authority), authority),
      logger: pino({ level: 'silent' }),
    });
    const names = [clientNamePattern('spiffe://example.test/ci/*')];
    const auth = [...issuers.auth, mtlsAuthenticator({ names })];
    return { address: { kind: 'tcp', host: '127.0.0.1', port: 0 }, auth, tls };
  }, trusting(authority));
  const past = new Date(Date.now() - 60_000);
  const shown: Readonly<Record<string, Promise<Identity> | undefined>> = {
    none: undefined,
    'let in': certify('one', authority, { uris: [LET_IN] }),
    untrusted: certify('one', stranger, { uris: [LET_IN] }),
    'not let in': certify('other', authority, { uris: [NOT_LET_IN] }),
    'that has expired': certify('one', authority, { uris: [LET_IN], notAfter: past }),
  };
  for (const [what, client] of Object.entries(shown)) {
    connections[what] = server.connectAs(trusting(authority, await client));
  }
  if (issuers === undefined) throw new Error('there are no issuers');
  owner = issuers.tokens['owner'] ?? '';
  target = await server.target(owner);
  untouched = await server.lookAt(target, owner);
  const seconds = Math.floor(Date.now() / 1000);
  Object.assign(bearers, {
    owner,
    other: issuers.tokens['other'],
    'that is unknown': makeToken().token,
    'that has expired': issuers.tokens['past'],
    'that was narrowed to a time that is over': await narrow(owner, { exp: seconds - 60 }),
    'with one grant': issuers.tokens['looks'],
    'narrowed to another session': await narrow(owner, { sessionId: randomUUID() }),
    'narrowed to the session': await narrow(owner, { sessionId: target.sessionId }),
    'JWT of somebody else': await issuers.jwt({}),
    'JWT that has expired': await issuers.jwt({ exp: seconds - 3_600 }),
    'JWT for another audience': await issuers.jwt({ aud: 'elsewhere' }),
    'JWT that is not signed': issuers.unsignedJwt({}),
  });
});

afterAll(async () => {
  for (const connection of Object.values(connections)) connection.close();
  await server.close();
});

/** Who is not let in: the certificate that is shown, and the bearer. */
const STRANGERS: readonly (readonly [certificate: string, bearer: string | undefined])[] = [
  ['none', undefined],
  ['none', 'that is unknown'],
  ['none', 'that has expired'],
  ['none', 'that was narrowed to a time that is over'],
  ['none', 'JWT that has expired'],
  ['none', 'JWT for another audience'],
  ['none', 'JWT that is not signed'],
  ['untrusted', undefined],
  ['not let in', undefined],
  ['that has expired', undefined],
  // A certificate makes no bearer right.
  ['let in', 'that is unknown'],
  ['let in', 'JWT that is not signed'],
];

/** Who is let in, and is not the owner of the session. */
const OTHERS: readonly (readonly [certificate: string, bearer: string | undefined])[] = [
  ['none', 'other'],
  ['none', 'JWT of somebody else'],
  ['let in', undefined],
];

const CALLS = SERVED.map((method) => [nameOf(method), method] as const);

describe.each(STRANGERS)('a caller with a certificate %s and a bearer %s', (shown, bearer) => {
  it.each(CALLS)('is not let in by %s', async (_name, method) => {
    const expected = needsOf(method) === 'nothing' ? 'OK' : 'UNAUTHENTICATED/UNAUTHENTICATED';
    expect(await tried(method, shown, bearer)).toBe(expected);
  });
});

describe.each(OTHERS)('a caller with a certificate %s and a bearer %s', (shown, bearer) => {
  it.each(CALLS)('does not find the session of another by %s', async (_name, method) => {
    expect(await tried(method, shown, bearer)).toBe(
      method.name === 'CreateSession'
        ? 'ALREADY_EXISTS/SESSION_EXISTS'
        : namesSession(method)
          ? 'NOT_FOUND/SESSION_NOT_FOUND'
          : 'OK',
    );
  });
});

describe('a token with one grant', () => {
  it.each(CALLS)('is not enough for %s, or is', async (_name, method) => {
    const needs = needsOf(method);
    const granted = typeof needs === 'string' || (needs.includes('observe') && !isStart(method));
    const found = namesSession(method) ? 'NOT_FOUND/SESSION_NOT_FOUND' : 'OK';
    expect(await tried(method, 'none', 'with one grant')).toBe(
      granted ? found : 'PERMISSION_DENIED/GRANT_MISSING',
    );
  });
});

describe('a token that was narrowed', () => {
  it.each(CALLS)('to another session is of no use for %s', async (_name, method) => {
    const found =
      namesSession(method) || method.name === 'CreateSession'
        ? 'NOT_FOUND/SESSION_NOT_FOUND'
        : 'OK';
    expect(await tried(method, 'none', 'narrowed to another session')).toBe(
      method.name === 'Run' ? 'PERMISSION_DENIED/GRANT_MISSING' : found,
    );
  });

  it.each(CALLS)('to the session lets its holder in by %s', async (_name, method) => {
    if (changes(method)) return;
    expect(await outcome(method, 'none', 'narrowed to the session')).toBe('OK');
  });
});

describe('the token of the owner', () => {
  it.each(CALLS)('lets its holder in by %s', async (_name, method) => {
    if (changes(method)) return;
    expect(await outcome(method, 'none', 'owner')).toBe('OK');
  });
});

/** How a call ends that is about the owner's session, to which nothing may have been done. */
async function tried(method: DescMethod, shown: string, bearer?: string): Promise<string> {
  const found = await outcome(method, shown, bearer);
  expect(await server.lookAt(target, owner)).toEqual(untouched);
  return found;
}

function outcome(method: DescMethod, shown: string, bearer?: string): Promise<string> {
  const connection = connections[shown];
  const text = bearer === undefined ? undefined : bearers[bearer];
  if (connection === undefined || (bearer !== undefined && text === undefined)) {
    throw new Error(`nobody has made ${shown} or ${bearer}`);
  }
  // A `Run` that is let in is about nobody's session.
  const marker = method.name === 'Run' ? server.otherMarker : target.marker;
  const options = text === undefined ? {} : as(text);
  return outcomeOf(connection, method, { ...target, marker }, options);
}

/** Those that do something to the session are tried by the owner in the other matrix. */
function changes({ name }: DescMethod): boolean {
  if (CHANGE_FILES.includes(name)) return true;
  return /^(?:Close|Start|Run|Interact|Write|Stream|Resize|Signal|Terminate)/.test(name);
}

function isStart({ name }: DescMethod): boolean {
  return name === 'Interact';
}

/** The files of TLS. */
async function filesIn(
  folder: string,
  own: Identity,
  authority: Identity,
): Promise<Record<'cert' | 'key' | 'clientCa', string>> {
  const files = {
    cert: join(folder, 'tls.crt'),
    key: join(folder, 'tls.key'),
    clientCa: join(folder, 'ca.crt'),
  };
  await writeFile(files.cert, own.certificate);
  await writeFile(files.key, own.key, { mode: 0o600 });
  await writeFile(files.clientCa, authority.certificate);
  return files;
}
