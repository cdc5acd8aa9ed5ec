import type { Interceptor } from '../bridge/interceptor.ts';
import type { Clock } from '../clock.ts';
import type { Limits } from '../limits.ts';
import type { LivePolicy } from '../policy/live-policy.ts';
import type { PrincipalLimits } from '../policy/principal-limits.ts';
import type { Tally } from '../policy/tally.ts';
import type { Audit } from '../telemetry/audit.ts';
import type { Meter } from '../telemetry/meter.ts';
import type { Tracer } from '../telemetry/tracing/tracer.ts';
import { admitCalls } from './admission.ts';
import { auditCalls } from './audit-calls.ts';
import { boundConnectionCalls, boundPrincipalCalls } from './call-bounds.ts';
import { logCalls } from './call-log.ts';
import { recordLogins } from './logins.ts';
import { meterCalls } from './meter-calls.ts';
import type { OpenCalls } from './open-calls.ts';
import type { ServerLog } from './server-log.ts';
import { traceCalls, traceOfCall } from './trace-calls.ts';

/** What a pipeline is made with. */
export interface PipelineOptions {
  readonly logger: ServerLog;
  readonly audit: Audit;
  /** Undefined: nobody counts. */
  readonly meter: Meter | undefined;
  readonly open: OpenCalls;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly principals: PrincipalLimits;
  /** The calls under way of each principal. */
  readonly calls: Tally;
  /** Undefined: there is none, and callers may do what their credentials grant. */
  readonly policy: LivePolicy | undefined;
  /** Undefined: nothing is traced. */
  readonly tracer: Tracer | undefined;
}

/** What every call of every service passes, in this order, before its handler has it. */
export function pipeline({
  audit,
  calls,
  clock,
  limits,
  logger,
  meter,
  open,
  policy,
  principals,
  tracer,
}: PipelineOptions): readonly Interceptor[] {
  return [
    // The first, so that it tells of what the others refuse, too.
    logCalls(logger),
    ...(tracer === undefined ? [] : [traceCalls(tracer)]),
    ...(meter === undefined ? [] : [meterCalls(meter, tracer && traceOfCall)]),
    auditCalls(audit),
    // A connection has no more than its part, whoever calls over it.
    boundConnectionCalls(limits.maxConnectionStreams),
    // Who calls, and whether that caller may; nothing that a request names is looked up before.
    admitCalls(open, clock, policy),
    // Before anything is done that has to be recorded.
    recordLogins(audit, meter),
    // One who has too many calls under way already is not to take what others need.
    boundPrincipalCalls(principals, calls),
  ];
}
