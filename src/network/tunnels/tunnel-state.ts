/** Where a connection is in its life. */
export type TunnelState =
  | {
      readonly kind: 'open';
      /** Whether the other side may still send something. */
      readonly incoming: boolean;
      /** Whether it may still be sent something. */
      readonly outgoing: boolean;
    }
  | { readonly kind: 'closed' }
  | { readonly kind: 'reset' };

/** What happens to a connection: a direction ends, by its end-of-file; or all of it breaks. */
export type TunnelInput = 'incoming-ended' | 'outgoing-ended' | 'broken';

/** How a connection begins. */
export const OPEN: TunnelState = { kind: 'open', incoming: true, outgoing: true };

/** What follows. It is closed when both directions have ended; what is over stays as it is. */
export function nextTunnelState(state: TunnelState, input: TunnelInput): TunnelState {
  if (state.kind !== 'open') return state;
  if (input === 'broken') return { kind: 'reset' };
  const incoming = state.incoming && input !== 'incoming-ended';
  const outgoing = state.outgoing && input !== 'outgoing-ended';
  return incoming || outgoing ? { kind: 'open', incoming, outgoing } : { kind: 'closed' };
}
