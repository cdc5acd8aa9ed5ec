import { describe, expect, it } from 'vitest';
import { anybodyAuthenticator } from '../../src/identity/anybody.ts';
import { peerAuthenticator } from '../../src/identity/peer.ts';
import { DEFAULT_LIMITS, SHARED_STARTS_PER_SECOND } from '../../src/limits.ts';
import {
  PRINCIPAL_LIMITS,
  principalLimits,
  serverLimits,
} from '../../src/policy/principal-limits.ts';
import { hasSeveralPrincipals } from '../../src/policy/sole-principal.ts';
import { namedCallers } from '../support/named-callers.ts';

describe('what a principal may have', () => {
  it('is everything where there is only one', () => {
    expect(serverLimits({}, false)).toEqual(DEFAULT_LIMITS);
    const limits = serverLimits({ maxSessions: 7, outputMemoryBytes: 100 }, false);
    expect(limits.maxPrincipalSessions).toBe(7);
    expect(limits.principalOutputMemoryBytes).toBe(100);
  });

  it('is half of it where there can be several, and never nothing', () => {
    const limits = serverLimits({ maxSessions: 1, maxProcesses: 10 }, true);
    expect(limits.maxPrincipalSessions).toBe(1);
    expect(limits.maxPrincipalProcesses).toBe(5);
    expect(limits.principalOutputDiskBytes).toBe(DEFAULT_LIMITS.outputDiskBytes / 2);
    expect(limits.maxPrincipalStartsPerSecond).toBe(SHARED_STARTS_PER_SECOND);
  });

  it('is what the operator says', () => {
    const given = Object.fromEntries(PRINCIPAL_LIMITS.map((name, i) => [name, i + 1]));
    for (const several of [false, true]) {
      expect(serverLimits(given, several)).toEqual({ ...DEFAULT_LIMITS, ...given });
    }
  });

  it('is for each by itself what is said of it, and otherwise what holds for all', () => {
    const principals = principalLimits(DEFAULT_LIMITS, (name) =>
      name === 'token:ci' ? { maxPrincipalSessions: 3 } : undefined,
    );
    expect(principals.of('token:ci')).toEqual({ ...DEFAULT_LIMITS, maxPrincipalSessions: 3 });
    expect(principals.of('token:other')).toEqual(DEFAULT_LIMITS);
  });
});

describe('callers of a server', () => {
  it.each([
    ['can be one where nobody is asked who it is', [anybodyAuthenticator()], false],
    ['can be one where it is one user', [peerAuthenticator({ uids: [7] })], false],
    ['can be several users', [peerAuthenticator({ uids: [7, 8] })], true],
    ['can be a user and anybody', [peerAuthenticator({ uids: [7] }), anybodyAuthenticator()], true],
    ['can be several who hold tokens', [namedCallers({ ada: {} })], true],
    [
      'can be the same over two listeners',
      [peerAuthenticator({ uids: [7] }), peerAuthenticator({ uids: [7] })],
      false,
    ],
  ])('%s', (_, authenticators, several) => {
    expect(hasSeveralPrincipals(authenticators)).toBe(several);
  });
});
