import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  nextTunnelState,
  OPEN,
  type TunnelInput,
  type TunnelState,
} from '../../../src/network/tunnels/tunnel-state.ts';

const INPUTS: readonly TunnelInput[] = ['incoming-ended', 'outgoing-ended', 'broken'];

/** How a connection is, by all that has happened to it so far and nothing else. */
function modelOf(inputs: readonly TunnelInput[]): TunnelState {
  const at = (input: TunnelInput): number => {
    const index = inputs.indexOf(input);
    return index < 0 ? Number.POSITIVE_INFINITY : index;
  };
  const closedAt = Math.max(at('incoming-ended'), at('outgoing-ended'));
  if (at('broken') < closedAt) return { kind: 'reset' };
  if (closedAt < inputs.length) return { kind: 'closed' };
  const incoming = !inputs.includes('incoming-ended');
  return { kind: 'open', incoming, outgoing: !inputs.includes('outgoing-ended') };
}

describe('the state of a tunnel', () => {
  it('is what its history says, whatever happens in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...INPUTS), { maxLength: 12 }), (inputs) => {
        let state = OPEN;
        for (const [index, input] of inputs.entries()) {
          state = nextTunnelState(state, input);
          expect(state).toEqual(modelOf(inputs.slice(0, index + 1)));
        }
      }),
    );
  });

  it('stays as it is once it is over', () => {
    for (const over of [{ kind: 'closed' }, { kind: 'reset' }] as const) {
      for (const input of INPUTS) expect(nextTunnelState(over, input)).toBe(over);
    }
  });
});
