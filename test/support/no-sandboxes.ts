import { sandboxUnavailable } from '../../src/sandbox/sandbox-failure.ts';
import type { Sandboxes } from '../../src/sandbox/sandboxes.ts';

/** Of a server that has none. */
export const NO_SANDBOXES: Pick<Sandboxes, 'mechanism' | 'required'> = {
  required: false,
  mechanism: () => Promise.reject(sandboxUnavailable('mechanism', '', 'there are none')),
};
