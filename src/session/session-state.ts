import { RunletError } from '../errors.ts';

/**
 * The state machine of a session, as a pure function. `docs/sessions.md` draws
 * it. `A` is whatever stands for an attachment.
 */

/** What a session is. */
export type SessionState<A> =
  /** No stream is attached. `latest` is the last one that was: no other has fenced it yet. */
  | { readonly kind: 'detached'; readonly latest: A | undefined }
  /** A stream is attached. */
  | { readonly kind: 'attached'; readonly latest: A }
  /** It is over, and nothing leads out of here. */
  | { readonly kind: 'ended'; readonly cause: SessionEnd };

/** Why a session is over. */
export type SessionEnd = 'closed' | 'expired' | 'draining';

/** What to do if a session is attached already. */
export type AttachMode = 'take-over' | 'reject-if-attached';

/** What can happen to a session. */
export type SessionInput<A> =
  | { readonly kind: 'attach'; readonly attachment: A; readonly mode: AttachMode }
  | { readonly kind: 'detach'; readonly attachment: A }
  | { readonly kind: 'end'; readonly cause: SessionEnd };

/**
 * What a session becomes.
 *
 * @throws RunletError `SESSION_NOT_FOUND`, `SESSION_ALREADY_ATTACHED`; the state
 *   stays what it was
 */
export function nextState<A>(state: SessionState<A>, input: SessionInput<A>): SessionState<A> {
  switch (input.kind) {
    case 'attach':
      if (state.kind === 'ended') throw new RunletError('SESSION_NOT_FOUND');
      if (state.kind === 'attached' && input.mode === 'reject-if-attached') {
        throw new RunletError('SESSION_ALREADY_ATTACHED');
      }
      return { kind: 'attached', latest: input.attachment };
    case 'detach':
      // One that was superseded has nothing to detach any more.
      return state.kind === 'attached' && state.latest === input.attachment
        ? { kind: 'detached', latest: state.latest }
        : state;
    case 'end':
      return state.kind === 'ended' ? state : { kind: 'ended', cause: input.cause };
  }
}
