import { describe, expect, it } from 'vitest';
import { SessionLostError } from '../../src/client/index.ts';
import { Renewals } from '../../src/client/renewals.ts';

const refused = new SessionLostError('credentials-refused', 'session');

/** Renewals of a client, and how often its credentials were asked for anew. */
function rig(credentialsChange = true) {
  let renewed = 0;
  const renewals = new Renewals({
    credentialsChange,
    renewCredentials: () => {
      renewed += 1;
    },
  });
  return { renewals, renewed: () => renewed };
}

describe('credentials that were refused', () => {
  it('are tried again once with those of now', () => {
    const { renewals, renewed } = rig();
    expect(renewals.after(refused, 0)).toBe(true);
    expect(renewals.after(refused, 0)).toBe(false);
    expect(renewed()).toBe(2);
  });

  it('are not tried again where they cannot be others', () => {
    const { renewals, renewed } = rig(false);
    expect(renewals.after(refused, 60_000)).toBe(false);
    expect(renewed()).toBe(0);
  });

  it('are tried again without end where each was good for long', () => {
    const { renewals } = rig();
    for (let i = 0; i < 100; i += 1) expect(renewals.after(refused, 5_000)).toBe(true);
  });

  it('are not, where each was let in for a moment alone', () => {
    const { renewals } = rig();
    expect(renewals.after(refused, 4_999)).toBe(true);
    expect(renewals.after(refused, 4_999)).toBe(false);
  });

  it('count no less for breaks of the connection in between', () => {
    const { renewals } = rig();
    expect(renewals.after(refused, 0)).toBe(true);
    expect(renewals.after(undefined, 100)).toBe(false);
    expect(renewals.after(refused, 0)).toBe(false);
  });

  it('are not the reason of another loss', () => {
    const { renewals, renewed } = rig();
    expect(renewals.after(new SessionLostError('expired', 'session'), 0)).toBe(false);
    expect(renewed()).toBe(0);
  });
});
