import type { CallContext } from '../../../bridge/call-context.ts';
import type { ServiceImpl } from '../../../bridge/types.ts';
import type { Clock } from '../../../clock.ts';
import type { ProcessService, StartProcessRequest } from '../../../gen/runlet/v1/process_pb.ts';
import type { Limits } from '../../../limits.ts';
import type { Process } from '../../../process/process.ts';
import type { ProcessHost } from '../../../process/process-host.ts';
import type { Sandboxes } from '../../../sandbox/sandboxes.ts';
import type { Session } from '../../../session/session.ts';
import type { SessionRegistry } from '../../../session/session-registry.ts';
import type { Audit } from '../../../telemetry/audit.ts';
import { parseId, parseOptionalId } from '../../requests/fields.ts';
import { parseProcessSpec, specFingerprint } from '../../requests/process-spec.ts';
import type { GuardOf } from '../../start-guards.ts';
import { linkProcess } from '../../trace-starts.ts';
import { enterSession, type SessionReference } from '../enter-session.ts';

/** What the service is made with. */
export interface ProcessServiceOptions {
  readonly sessions: SessionRegistry;
  readonly host: ProcessHost;
  readonly clock: Clock;
  readonly limits: Limits;
  /** The working directory where a spec names none. */
  readonly cwd: string;
  /** Makes an id that was never used. */
  readonly newId: () => string;
  readonly audit: Audit;
  readonly sandboxes: Pick<Sandboxes, 'profiles' | 'required'>;
  /** Says what a call may start. */
  readonly guardOf: GuardOf;
}

/** The methods of the service with some names. */
export type ProcessMethods<K extends keyof ServiceImpl<typeof ProcessService>> = Pick<
  ServiceImpl<typeof ProcessService>,
  K
>;

/** A process, and the session that it is of, which the call holds. */
export interface FoundProcess {
  readonly session: Session;
  readonly process: Process;
}

/**
 * The process that a call is about.
 *
 * @throws RunletError `PROCESS_NOT_FOUND`, `PROCESS_EVICTED`, and as {@link enterSession}
 */
export function findProcess(
  { sessions }: ProcessServiceOptions,
  request: SessionReference & { readonly processId: string },
  context: CallContext,
): FoundProcess {
  const processId = parseId('process_id', request.processId);
  const session = enterSession(sessions, request, context);
  context.annotate({ processId });
  const process = session.processes.get(processId);
  linkProcess(context, process);
  return { session, process };
}

/** Starts the process that a call asks for, or finds it where the call is a repeat. */
export async function startProcess(
  { cwd, guardOf, limits, sandboxes, sessions }: ProcessServiceOptions,
  request: StartProcessRequest,
  context: CallContext,
): Promise<FoundProcess> {
  const processId = parseOptionalId('process_id', request.processId);
  const requestId = parseOptionalId('request_id', request.requestId);
  const spec = parseProcessSpec(request.spec, {
    cwd,
    limits,
    sandboxRequired: sandboxes.required,
    sandboxProfiles: sandboxes.profiles,
    overflow: 'drop-oldest',
  });
  const session = enterSession(sessions, request, context);
  const fingerprint = requestId === '' ? '' : specFingerprint(request.spec);
  const process = await session.processes.start({
    processId,
    requestId,
    fingerprint,
    spec,
    guard: guardOf(context),
  });
  context.annotate({ processId: process.id });
  return { session, process };
}
