import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { DescMethod } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallOptions } from '../../src/bridge/types.ts';
import { GRANTS, type Grant, grantSet } from '../../src/identity/grants.ts';
import { needsOf } from '../../src/server/method-grants.ts';
import type { Failure } from '../support/failure.ts';
import { as, namedCallers } from '../support/named-callers.ts';
import { SERVED } from '../support/served-methods.ts';
import {
  type CallTarget,
  failedCall,
  nameOf,
  namesSession,
  nowhere,
  outcomeOf,
} from './every-call.ts';
import { CHANGE_FILES } from './file-calls.ts';
import { type MatrixServer, onSocket, serveMatrix } from './matrix-server.ts';
import { REACH_SERVERS } from './network-calls.ts';

const OTHER = as('other');
const NARROWED_ID = randomUUID();
const MAY_ALL = grantSet(GRANTS.filter((grant) => grant !== 'admin'));

/** Callers who may do one thing alone, by its name. */
const ONE_GRANT = Object.fromEntries(
  GRANTS.map((grant) => [callerWith(grant), { grants: grantSet([grant]) }]),
);

let server: MatrixServer;
/** A session of the owner's, and how it is as long as nobody else does anything to it. */
let target: CallTarget;
let untouched: unknown;

beforeAll(async () => {
  server = await serveMatrix(
    onSocket([
      namedCallers({
        owner: { grants: MAY_ALL },
        other: { grants: MAY_ALL },
        expired: { expiry: Date.now() - 1 },
        narrowed: { sessionId: NARROWED_ID },
        ...ONE_GRANT,
      }),
    ]),
  );
  target = await server.target('owner');
  untouched = await server.lookAt(target, 'owner');
});

afterAll(() => server.close());

const ALL = SERVED.map((method) => [nameOf(method), method] as const);

describe('a caller who is not known', () => {
  it.each(ALL)('is told nothing by %s, and nothing is done', async (_name, method) => {
    const expected = needsOf(method) === 'nothing' ? 'OK' : 'UNAUTHENTICATED/UNAUTHENTICATED';
    const basic = { metadata: { authorization: 'Basic b3duZXI6' } };
    for (const options of [{}, as('nobody'), as('expired'), basic]) {
      expect(await tried(method, options)).toBe(expected);
    }
  });
});

describe('a caller who is granted one thing', () => {
  it.each(ALL)('may do with %s what that is, and nothing else', async (_name, method) => {
    for (const grant of GRANTS) {
      const options = as(callerWith(grant));
      const outcome = await outcomeOf(
        server.connection,
        method,
        nowhere(server.otherMarker),
        options,
      );
      if (isGranted(method, grant)) expect(outcome).not.toContain('GRANT_MISSING');
      else expect(outcome).toBe('PERMISSION_DENIED/GRANT_MISSING');
    }
  });
});

describe('a session of somebody else', () => {
  it.each(ALL)('does not exist for %s', async (_name, method) => {
    const expected = strangersOutcome(method);
    expect(await tried(method, OTHER)).toBe(expected);
    if (!expected.startsWith('NOT_FOUND')) return;
    const never = await failedCall(server.connection, method, nowhere(server.otherMarker), OTHER);
    const others = await failedCall(server.connection, method, target, OTHER);
    expect(toldBy(others)).toEqual(toldBy(never));
  });
});

describe('a caller who may use one session alone', () => {
  it.each(ALL)('uses no other with %s', async (_name, method) => {
    expect(await tried(method, as('narrowed'))).toBe(narrowedOutcome(method));
  });

  it.each(ALL)('has all of that with %s', async (_name, method) => {
    const own = await server.target('narrowed', NARROWED_ID);
    const outcome = await outcomeOf(server.connection, method, own, as('narrowed'));
    const run = nameOf(method) === 'runlet.v1.ProcessService.Run';
    expect(outcome).toBe(run ? 'PERMISSION_DENIED/GRANT_MISSING' : 'OK');
    await server.forget(own, 'narrowed');
  });
});

describe('the owner of a session', () => {
  it.each(ALL)('is let in by %s', async (_name, method) => {
    const own = await server.target('owner');
    const before = await server.lookAt(own, 'owner');
    expect(await outcomeOf(server.connection, method, own, as('owner'))).toBe('OK');
    const starts = ['Interact', 'Run', 'StartProcess'].includes(method.name);
    // So what should not have been is seen above.
    if (starts) await expect.poll(() => existsSync(own.marker)).toBe(true);
    if ([...CHANGE_FILES, ...REACH_SERVERS].includes(method.name)) {
      expect(await server.lookAt(own, 'owner')).not.toEqual(before);
    }
    await server.forget(own, 'owner');
  });
});

/** How a call ends that is about the owner's session, to which nothing may have been done. */
async function tried(method: DescMethod, options: CallOptions): Promise<string> {
  // A `Run` that is let in is about nobody's session.
  const marker = options === OTHER && method.name === 'Run' ? server.otherMarker : target.marker;
  const outcome = await outcomeOf(server.connection, method, { ...target, marker }, options);
  expect(await server.lookAt(target, 'owner')).toEqual(untouched);
  return outcome;
}

/** All that a call tells that failed, but for when it did. */
function toldBy(failure: Failure | undefined): unknown {
  const { error, ...told } = failure ?? {};
  const { date: _, ...metadata } = error?.metadata.toJSON() ?? {};
  return { ...told, code: error?.code, details: error?.details, metadata };
}

function callerWith(grant: Grant): string {
  return `only-${grant.replace(':', '-')}`;
}

/** Whether a caller who has a grant alone passes the look at it. */
function isGranted(method: DescMethod, grant: Grant): boolean {
  const needs = needsOf(method);
  if (typeof needs === 'string') return true;
  // It begins with `start` here.
  if (method.name === 'Interact') return grant === 'start';
  return needs.includes(grant);
}

function strangersOutcome(method: DescMethod): string {
  if (method.name === 'CreateSession') return 'ALREADY_EXISTS/SESSION_EXISTS';
  return namesSession(method) ? 'NOT_FOUND/SESSION_NOT_FOUND' : 'OK';
}

function narrowedOutcome(method: DescMethod): string {
  if (method.name === 'Run') return 'PERMISSION_DENIED/GRANT_MISSING';
  const named = method.name === 'CreateSession' || namesSession(method);
  return named ? 'NOT_FOUND/SESSION_NOT_FOUND' : 'OK';
}
