import type { SpecDefaults } from './options.ts';
import type { ProcessSpec } from './process-spec.ts';

/** A spec that lacks nothing of the defaults. What is no spec stays what it is, to be refused. */
export function withDefaults<S extends ProcessSpec>(spec: S, defaults: SpecDefaults): S {
  const given = Object.entries(spec ?? {}).filter(([, value]) => value !== undefined);
  return { ...spec, ...defaults, ...Object.fromEntries(given) };
}
