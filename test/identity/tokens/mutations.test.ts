import { describe, expect, it } from 'vitest';
import { RunletError } from '../../../src/errors.ts';
import { narrow } from '../../../src/identity/tokens/make-token.ts';
import { failureOf } from '../../support/failure.ts';
import { connectClients, serveHere } from '../../support/harness.ts';
import { as } from '../../support/named-callers.ts';
import { linedToken, tokenRig } from '../../support/token-server.ts';
import { seedOf } from '../../support/tokens.ts';
import { MUTATIONS, type Mutant, mutants, type Narrowed } from './mutations.ts';

const COUNT = 10_000;
/** Every so many are sent to a real server, too. */
const SAMPLE = 50;

/** Fewer than may wait to be verified. */
const AT_ONCE = 16;

const SESSION = '018f3a5e-7c1b-7d2a-9f60-3b5c8e1d4a77';
const OTHER = '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52';
const NOWHERE = { peerUid: undefined, certificate: undefined };

const LINE = linedToken('ci', { seed: seedOf(1) });

/** Two tokens that were narrowed from one, each of them twice. */
async function narrowedTokens(): Promise<readonly [Narrowed, Narrowed]> {
  const twice = async (sessionId: string, first: number): Promise<Narrowed> => {
    const once = await narrow(LINE.token, { grants: ['start', 'observe'] }, seedOf(first));
    const seed = seedOf(first + 1);
    return { token: await narrow(once, { grants: ['observe'], sessionId, exp: 4e9 }, seed), seed };
  };
  return [await twice(SESSION, 10), await twice(OTHER, 20)];
}

describe('a narrowed token', () => {
  it('cannot be widened: 10,000 mutations of one are refused', async () => {
    const { auth } = await tokenRig([LINE.line]);
    const { address } = await serveHere({ auth: [auth] });
    const { server } = connectClients(address);
    const [narrowed, other] = await narrowedTokens();
    const accepted: unknown[] = [];
    const kinds = new Map<string, number>();
    let sent = 0;
    const tryOne = async ({ kind, text }: Mutant): Promise<void> => {
      const count = (kinds.get(kind) ?? 0) + 1;
      kinds.set(kind, count);
      const outcome: unknown = await (async () =>
        auth.identify({ connection: NOWHERE, bearer: text }))().catch((error: unknown) => error);
      const isRefused =
        outcome === undefined ||
        (outcome instanceof RunletError && outcome.reason === 'UNAUTHENTICATED');
      if (!isRefused) accepted.push({ kind, text, outcome });
      if (count % SAMPLE !== 1) return;
      sent += 1;
      const { summary } = await failureOf(server.getServerInfo({}, as(text)));
      expect([text, summary]).toEqual([text, 'UNAUTHENTICATED/UNAUTHENTICATED']);
    };
    const all = mutants(narrowed, other, COUNT);
    const worker = async (): Promise<void> => {
      for (const mutant of all) await tryOne(mutant);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    expect(accepted).toEqual([]);
    expect([...kinds.keys()].sort()).toEqual(Object.keys(MUTATIONS).sort());
    expect([...kinds.values()].reduce((a, b) => a + b)).toBe(COUNT);
    expect(sent).toBeGreaterThan(100);
    // What was refused is not refused because all is.
    const { caller } = await server.getServerInfo({}, as(narrowed.token));
    expect(caller).toMatchObject({ name: 'token:ci', sessionId: SESSION });
  });
});
