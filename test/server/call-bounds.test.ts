import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContextKey } from '../../src/bridge/call-context.ts';
import type { CallOutcome } from '../../src/bridge/interceptor.ts';
import { Health } from '../../src/gen/grpc/health/v1/health_pb.ts';
import { SessionService } from '../../src/gen/runlet/v1/session_pb.ts';
import { ANYBODY } from '../../src/identity/principal.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { principalLimits } from '../../src/policy/principal-limits.ts';
import { Tally } from '../../src/policy/tally.ts';
import { boundConnectionCalls, boundPrincipalCalls } from '../../src/server/call-bounds.ts';
import { setCaller } from '../../src/server/caller.ts';
import { TestCallContext } from '../support/call-context.ts';

const METHOD = SessionService.method.getSession;

/** A call of somebody's, which is over when it is failed. */
class NamedCall extends TestCallContext {
  readonly #values = new Map<ContextKey<unknown>, unknown>();

  constructor(name: string, peer?: unknown) {
    super(peer);
    setCaller(this, { ...ANYBODY, name });
  }

  override get<T>(key: ContextKey<T>): T {
    return this.#values.has(key) ? (this.#values.get(key) as T) : key.initial;
  }

  override set(key?: unknown, value?: unknown): void {
    this.#values.set(key as ContextKey<unknown>, value);
  }
}

const next = (): Promise<CallOutcome> => Promise.resolve({ code: 0, error: undefined });

describe('calls under way', () => {
  it('are counted for each principal until they are over, and bounded', () => {
    const most = 3;
    const limits = principalLimits({ ...DEFAULT_LIMITS, maxPrincipalStreams: most });
    const step = fc.record({ name: fc.constantFrom('a', 'b'), ends: fc.option(fc.nat(5)) });
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const underWay = new Tally();
      const bound = boundPrincipalCalls(limits, underWay);
      const calls: { readonly call: NamedCall; readonly name: string }[] = [];
      const countOf = (name: string): number => calls.filter((one) => one.name === name).length;
      for (const { ends, name } of steps) {
        if (ends !== null) {
          for (const { call } of calls.splice(ends, 1)) call.fail('over');
        } else if (countOf(name) < most) {
          const call = new NamedCall(name);
          void bound(METHOD, call, next);
          calls.push({ call, name });
        } else {
          const begin = (): unknown => bound(METHOD, new NamedCall(name), next);
          expect(begin).toThrow('max_principal_streams');
        }
        for (const each of ['a', 'b']) expect(underWay.of(each)).toBe(countOf(each));
      }
      for (const { call } of calls) call.fail('over');
      expect(underWay.size).toBe(0);
    });
    fc.assert(property);
  });

  it('of health are nobody’s', () => {
    const underWay = new Tally();
    const limits = principalLimits({ ...DEFAULT_LIMITS, maxPrincipalStreams: 0 });
    void boundPrincipalCalls(limits, underWay)(Health.method.watch, new NamedCall('a'), next);
    expect(underWay.size).toBe(0);
  });

  it('are bounded for each connection, of health too, whoever makes them', () => {
    const bound = boundConnectionCalls(2);
    const [one, other] = [{}, {}];
    const first = new NamedCall('a', one);
    void bound(METHOD, first, next);
    void bound(Health.method.watch, new NamedCall('b', one), next);
    const begin = (): unknown => bound(METHOD, new NamedCall('c', one), next);
    expect(begin).toThrow('max_connection_streams');
    void bound(METHOD, new NamedCall('a', other), next);
    first.fail('over');
    expect(begin).not.toThrow();
    expect(begin).toThrow('max_connection_streams');
  });
});
