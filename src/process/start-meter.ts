import { type Reason, RunletError } from '../errors.ts';
import type { Meter, StartResult, StartStage } from '../telemetry/meter.ts';
import type { StartGuard } from './start-guard.ts';

/** What came of a start that ended with an error. Others: nobody wanted it any more. */
const RESULTS: Readonly<Partial<Record<Reason, StartResult>>> = {
  START_FAILED: 'failed',
  SANDBOX_UNAVAILABLE: 'failed',
  INVALID_REQUEST: 'failed',
  POLICY_DENIED: 'denied',
  SANDBOX_REQUIRED: 'denied',
  LIMIT_EXCEEDED: 'refused',
  AUDIT_UNAVAILABLE: 'refused',
};

/** A start, whose result is counted. */
export async function countedStart<T>(
  meter: Pick<Meter, 'startEnded'>,
  start: Promise<T>,
): Promise<T> {
  try {
    const started = await start;
    meter.startEnded('ok');
    return started;
  } catch (error) {
    meter.startEnded(resultOf(error));
    throw error;
  }
}

function resultOf(error: unknown): StartResult {
  if (error instanceof RunletError) return RESULTS[error.reason] ?? 'cancelled';
  // That of the call's signal.
  return error instanceof Error && error.name === 'AbortError' ? 'cancelled' : 'failed';
}

/** Tells how long each stage took, from now or from the end of the stage before. */
export function stageTimer(
  meter: Pick<Meter, 'startStage'>,
  guard: Pick<StartGuard, 'trace'> | undefined,
): (over: StartStage) => void {
  let began = performance.now();
  return (over) => {
    const now = performance.now();
    meter.startStage(over, (now - began) / 1000, guard?.trace?.());
    began = now;
  };
}
