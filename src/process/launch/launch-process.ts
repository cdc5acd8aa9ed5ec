import { RunletError } from '../../errors.ts';
import type { StartStage } from '../../telemetry/meter.ts';
import type { LaunchedProcess, LaunchRequest } from '../launcher.ts';
import type { LaunchContext, LaunchStep } from './launch-step.ts';

/** A step that was done, and the request as it left it. */
interface DoneStep {
  readonly inspect: LaunchStep['inspect'];
  readonly request: LaunchRequest;
}

/**
 * Launches a process by what the steps make of its spec. `assertWanted` is called
 * before the launcher is; what it throws is thrown. `over` is told of each stage that is done.
 *
 * @throws RunletError as the steps and the launcher do
 */
export async function launchProcess(
  steps: readonly LaunchStep[],
  context: LaunchContext,
  assertWanted: () => void,
  over: (stage: StartStage) => void = () => {},
): Promise<LaunchedProcess> {
  const done: DoneStep[] = [];
  const explained = <T>(work: Promise<T>): Promise<T> =>
    work.catch(async (error: unknown) => {
      // Whoever is denied something is not told what there is.
      if (error instanceof RunletError && error.reason === 'POLICY_DENIED') throw error;
      // The system does not say whether it was the folder or the program, for example.
      for (const { inspect, request } of done) {
        // What fails inside says itself at what it was; nor is what is outside the same.
        if (request.sandbox === undefined) await inspect?.(request);
      }
      throw error;
    });
  try {
    const request = await explained(makeRequest(steps, context, done));
    over('prepare');
    assertWanted();
    const launched = await explained(context.launcher.launch(request));
    over('launch');
    return launched;
  } catch (error) {
    await done.at(-1)?.request.sandbox?.prepared.release();
    throw error;
  }
}

async function makeRequest(
  steps: readonly LaunchStep[],
  context: LaunchContext,
  done: DoneStep[],
): Promise<LaunchRequest> {
  let request = askedFor(context);
  for (const { apply, inspect } of steps) {
    if (apply !== undefined) request = await apply(request, context);
    done.push({ inspect, request });
  }
  return request;
}

/** The request before any step: all as the client said it. */
function askedFor({ signal, spec }: LaunchContext): LaunchRequest {
  const [program = '', ...args] = spec.argv;
  const { arg0, cwd, env, limits, mergeStderr, stdin, terminal } = spec;
  const request = { program, arg0, args, cwd, env, stdin, mergeStderr, terminal, limits };
  return signal === undefined ? request : { ...request, signal };
}
