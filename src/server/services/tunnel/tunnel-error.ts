import { RunletError } from '../../../errors.ts';
import { DialError } from '../../../network/dial-error.ts';

/** What the caller is told of a connection that could not be made: of what failed, if it is that. */
export function tunnelError(error: unknown): unknown {
  if (!(error instanceof DialError)) return error;
  const { errnoName, message, rule, stage, target } = error.failure;
  return new RunletError(stage === 'DENIED' ? 'EGRESS_DENIED' : 'TUNNEL_FAILED', {
    message,
    tunnelFailure: { stage, errnoName, message, target },
    // For the operator alone.
    ...(rule === '' ? {} : { cause: rule }),
  });
}
