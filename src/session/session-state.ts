import { RunletError } from '../errors.ts';

/**
 * The state machine of a session, as a pure function. `docs/sessions.md` draws
 * it. `A` is whatever stands for an attachment.
 */

/** Who attached: a client that may do so again, over other connections. */
export interface Holder {
  /** What the client calls itself. */
  readonly id: string;
  /** Which of its attempts to attach this is, from 1. */
  readonly attempt: number;
}

/** What the machine has to know of an attachment. */
export interface Held {
  /** Undefined: nobody in particular. */
  readonly holder: Holder | undefined;
}

/** What a session is. */
export type SessionState<A extends Held> =
  /** No stream is attached. `latest` is the last one that was: no other has fenced it yet. */
  | { readonly kind: 'detached'; readonly latest: A | undefined }
  /** A stream is attached. */
  | { readonly kind: 'attached'; readonly latest: A }
  /** It is over, and nothing leads out of here. */
  | { readonly kind: 'ended'; readonly cause: SessionEnd };

/** Why a session is over. */
export type SessionEnd = 'closed' | 'expired' | 'draining';

/** What to do if a session is attached already. */
export type AttachMode = 'take-over' | 'reject-if-attached' | 'resume';

/** What can happen to a session. */
export type SessionInput<A extends Held> =
  | {
      readonly kind: 'attach';
      readonly attachment: A;
      readonly mode: AttachMode;
      /** The holder's last attempt that succeeded, whoever attached since; 0: there was none. */
      readonly lastAttempt: number;
    }
  | { readonly kind: 'detach'; readonly attachment: A }
  | { readonly kind: 'end'; readonly cause: SessionEnd };

/**
 * What a session becomes.
 *
 * @throws RunletError `SESSION_NOT_FOUND`, `SESSION_ALREADY_ATTACHED`,
 *   `ATTACHMENT_SUPERSEDED`; the state stays what it was
 */
export function nextState<A extends Held>(
  state: SessionState<A>,
  input: SessionInput<A>,
): SessionState<A> {
  switch (input.kind) {
    case 'attach':
      if (state.kind === 'ended') throw new RunletError('SESSION_NOT_FOUND');
      assertMayAttach(state, input.attachment.holder, input);
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

function assertMayAttach(
  { kind, latest }: Exclude<SessionState<Held>, { readonly kind: 'ended' }>,
  holder: Holder | undefined,
  { lastAttempt, mode }: { readonly lastAttempt: number; readonly mode: AttachMode },
): void {
  const isHolders = holder !== undefined && holder.id === latest?.holder?.id;
  // One that was under way when its client gave it up must not fence what came of the next, nor
  // whoever attached after that.
  if (holder !== undefined && holder.attempt <= lastAttempt) {
    throw new RunletError('ATTACHMENT_SUPERSEDED');
  }
  if (mode === 'resume' && !isHolders) {
    throw new RunletError(latest === undefined ? 'SESSION_NOT_FOUND' : 'ATTACHMENT_SUPERSEDED');
  }
  if (mode === 'reject-if-attached' && kind === 'attached' && !isHolders) {
    throw new RunletError('SESSION_ALREADY_ATTACHED');
  }
}
