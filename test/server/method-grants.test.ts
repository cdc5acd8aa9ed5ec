import { describe, expect, it } from 'vitest';
import { ServerReflection } from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { ProcessService } from '../../src/gen/runlet/v1/process_pb.ts';
import { GRANTS } from '../../src/identity/grants.ts';
import { needsOf } from '../../src/server/method-grants.ts';
import { SERVED } from '../support/served-methods.ts';

describe('what a method needs', () => {
  it.each(SERVED.map((method) => [`${method.parent.typeName}.${method.name}`, method] as const))(
    'is said for %s',
    (_name, method) => {
      const needs = needsOf(method);
      if (typeof needs === 'string') expect(['caller', 'nothing']).toContain(needs);
      else for (const grant of needs) expect(GRANTS).toContain(grant);
    },
  );

  it('is nothing for health alone', () => {
    const open = SERVED.filter((method) => needsOf(method) === 'nothing');
    expect(new Set(open.map(({ parent }) => parent.typeName))).toEqual(
      new Set(['grpc.health.v1.Health']),
    );
  });

  it('is not guessed for one that nobody has thought of', () => {
    const method = { ...ProcessService.method.run, localName: 'fly' };
    expect(() => needsOf(method)).toThrow('fly has no grant');
    const parent = { ...ServerReflection, typeName: 'elsewhere.Service' };
    expect(() => needsOf({ ...ProcessService.method.run, parent })).toThrow('has no grant');
  });
});
