import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { RunletError } from '../../../src/errors.ts';
import { MAX_SESSION_LISTENERS, MAX_SESSION_TUNNELS } from '../../../src/limits.ts';
import { SessionTunnels, sessionTunnels } from '../../../src/network/tunnels/session-tunnels.ts';

/** How something is refused: the reason, and what it says of a limit. */
function refusalOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    if (error instanceof RunletError) return { reason: error.reason, ...error.details.metadata };
    throw error;
  }
  return undefined;
}

const TOO_MANY = {
  reason: 'LIMIT_EXCEEDED',
  limit: 'max_session_tunnels',
  maximum: String(MAX_SESSION_TUNNELS),
};

function waiting(taken = (): void => {}): Parameters<SessionTunnels['offer']>[1] {
  return { socket: new Socket(), peer: 'peer:1', taken };
}

describe('the connections of a session', () => {
  it('are so many at most, those that wait included', () => {
    const tunnels = new SessionTunnels();
    const half = MAX_SESSION_TUNNELS / 2;
    const ends = Array.from({ length: half }, () => tunnels.countTunnel());
    for (let i = 0; i < half; i++) expect(tunnels.offer(`id ${i}`, waiting())).toBe(true);
    expect(refusalOf(() => tunnels.countTunnel())).toEqual(TOO_MANY);
    expect(tunnels.offer('beyond', waiting())).toBe(false);
    expect(refusalOf(() => tunnels.take('beyond'))).toEqual({ reason: 'CONNECTION_NOT_FOUND' });
    // One that ends makes room for one, and so does one that is withdrawn.
    ends[0]?.();
    expect(tunnels.offer('after', waiting())).toBe(true);
    expect(refusalOf(() => tunnels.countTunnel())).toEqual(TOO_MANY);
    tunnels.withdraw('after');
    tunnels.countTunnel();
    expect(refusalOf(() => tunnels.countTunnel())).toEqual(TOO_MANY);
    // One that waits is counted once when it is taken over.
    let isTaken = false;
    tunnels.withdraw('id 0');
    expect(
      tunnels.offer(
        'own',
        waiting(() => {
          isTaken = true;
        }),
      ),
    ).toBe(true);
    tunnels.take('own');
    expect(isTaken).toBe(true);
    tunnels.countTunnel();
    expect(refusalOf(() => tunnels.countTunnel())).toEqual(TOO_MANY);
  });

  it('are counted apart from its listeners, and from those of others', () => {
    const of = sessionTunnels();
    const [one, two] = [{}, {}];
    for (let i = 0; i < MAX_SESSION_TUNNELS; i++) of(one).countTunnel();
    const ends = Array.from({ length: MAX_SESSION_LISTENERS }, () => of(one).countListener());
    expect(refusalOf(() => of(one).countListener())).toEqual({
      reason: 'LIMIT_EXCEEDED',
      limit: 'max_session_listeners',
      maximum: String(MAX_SESSION_LISTENERS),
    });
    of(two).countTunnel();
    of(two).countListener();
    ends[0]?.();
    of(one).countListener();
    expect(refusalOf(() => of(one).countTunnel())).toEqual(TOO_MANY);
  });
});
