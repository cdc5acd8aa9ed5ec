import type { Sandboxes } from '../../src/sandbox/sandboxes.ts';

/** Of a server that has no profiles of sandboxes, and requires none. */
export const NO_SANDBOXES: Pick<Sandboxes, 'profiles' | 'required'> = {
  required: false,
  profiles: new Map(),
};
