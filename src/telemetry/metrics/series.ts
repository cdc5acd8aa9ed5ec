import { AUTH_KINDS } from '../../identity/principal.ts';
import { END_REASONS, OUTPUT_STREAMS } from '../../output/event.ts';
import { LAGGING_BYTES } from '../../output/sizes.ts';
import { START_RESULTS, START_STAGES, UNREADY_REASONS } from '../meter.ts';

/** A series of runlet's own: what docs/metrics.md says of it is made of this. */
export interface Series {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What it counts, as a scrape says it: in one line, without quotes. */
  readonly help: string;
  /** Its labels, and what the values of each are: none is chosen by a client. */
  readonly labels: Readonly<Record<string, string>>;
  /** Of a histogram: the upper bounds of its buckets, in the unit of its name. */
  readonly buckets?: readonly number[];
}

/** From what a look takes to how long a stream may last. */
const CALL_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600,
];

/** From a fraction of a millisecond to when a start is given up. */
const START_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30];

const METHOD = 'the method with its service, such as `runlet.v1.ProcessService/Run`';
const oneOf = (values: readonly string[]): string => values.map((it) => `\`${it}\``).join(', ');

/** The value of a label for whatever is none of those that are known. */
export const OTHER = 'other';

/** The value of a label `reason` for a reason of an end. */
export function endLabel(reason: string): string {
  return reason.replaceAll('-', '_');
}

/** All of them, in the order in which they are shown. */
export const SERIES = {
  build: {
    name: 'runlet_build_info',
    type: 'gauge',
    help: 'Always 1, with the version of the server.',
    labels: { version: 'that of runlet' },
  },
  ready: {
    name: 'runlet_ready',
    type: 'gauge',
    help: 'Whether new work is to come: 1, or 0.',
    labels: {},
  },
  unready: {
    name: 'runlet_unready',
    type: 'gauge',
    help: 'Whether there is this reason that no new work is to come: 1, or 0.',
    labels: { reason: oneOf(UNREADY_REASONS) },
  },
  calls: {
    name: 'runlet_calls_total',
    type: 'counter',
    help: 'Calls that are over, those that were turned away at once included.',
    labels: {
      method: `${METHOD}; \`${OTHER}\`: one that there is not`,
      code: 'the name of the status of gRPC, such as `OK` or `RESOURCE_EXHAUSTED`',
    },
  },
  callDuration: {
    name: 'runlet_call_duration_seconds',
    type: 'histogram',
    help: 'How long calls took from when they were let begin to their end; streams last.',
    labels: { method: METHOD },
    buckets: CALL_BUCKETS,
  },
  open: {
    name: 'runlet_open_streams',
    type: 'gauge',
    help: 'Calls that are under way, each of which is a stream of HTTP/2.',
    labels: { method: METHOD },
  },
  connections: {
    name: 'runlet_connections',
    type: 'gauge',
    help: 'Connections of clients, those over which nobody was let in yet included.',
    labels: {},
  },
  maxConnections: {
    name: 'runlet_max_connections',
    type: 'gauge',
    help: 'How many connections there may be.',
    labels: {},
  },
  sessions: {
    name: 'runlet_sessions',
    type: 'gauge',
    help: 'Sessions that there are.',
    labels: { state: oneOf(['attached', 'detached']) },
  },
  maxSessions: {
    name: 'runlet_max_sessions',
    type: 'gauge',
    help: 'How many sessions there may be.',
    labels: {},
  },
  processes: {
    name: 'runlet_processes',
    type: 'gauge',
    help: 'Processes that the server knows; closed ones as long as they are retained or read.',
    labels: { state: oneOf(['starting', 'running', 'exited', 'closed']) },
  },
  maxProcesses: {
    name: 'runlet_max_processes',
    type: 'gauge',
    help: 'How many processes there may be, retained ones included.',
    labels: {},
  },
  starts: {
    name: 'runlet_starts_total',
    type: 'counter',
    help: 'Starts of processes by what came of them.',
    labels: { result: oneOf(START_RESULTS) },
  },
  startDuration: {
    name: 'runlet_start_duration_seconds',
    type: 'histogram',
    help: 'How long the stages of starts took, one after the other.',
    labels: { stage: oneOf(START_STAGES) },
    buckets: START_BUCKETS,
  },
  ends: {
    name: 'runlet_ends_total',
    type: 'counter',
    help: 'Processes that ended, by why.',
    labels: { reason: oneOf(END_REASONS.map(endLabel)) },
  },
  output: {
    name: 'runlet_output_bytes_total',
    type: 'counter',
    help: 'Bytes that processes wrote.',
    labels: { stream: oneOf(OUTPUT_STREAMS) },
  },
  stdin: {
    name: 'runlet_stdin_bytes_total',
    type: 'counter',
    help: 'Bytes that were handed to the stdin of processes.',
    labels: {},
  },
  gap: {
    name: 'runlet_gap_bytes_total',
    type: 'counter',
    help: 'Bytes of output that readers were told to be gone, for each reader.',
    labels: {},
  },
  retained: {
    name: 'runlet_retained_bytes',
    type: 'gauge',
    help: 'Bytes that retained output takes.',
    labels: { tier: oneOf(['memory', 'files']) },
  },
  maxRetained: {
    name: 'runlet_max_retained_bytes',
    type: 'gauge',
    help: 'Bytes that it may take; 0 for files where there are none.',
    labels: { tier: oneOf(['memory', 'files']) },
  },
  lagging: {
    name: 'runlet_lagging_subscribers',
    type: 'gauge',
    help: `Readers with more than ${LAGGING_BYTES} bytes still to be sent, or which do not say that they arrive.`,
    labels: {},
  },
  spoolFailures: {
    name: 'runlet_spool_failures_total',
    type: 'counter',
    help: 'Writes and reads of files of output that failed.',
    labels: {},
  },
  evictions: {
    name: 'runlet_evictions_total',
    type: 'counter',
    help: 'Closed processes that were forgotten when their retention was over.',
    labels: {},
  },
  takeovers: {
    name: 'runlet_takeovers_total',
    type: 'counter',
    help: 'Attachments that took a session over from another that was there.',
    labels: {},
  },
  expiries: {
    name: 'runlet_expiries_total',
    type: 'counter',
    help: 'Sessions that ended since no call had named them for long enough.',
    labels: {},
  },
  refusals: {
    name: 'runlet_refusals_total',
    type: 'counter',
    help: 'Calls that failed with LIMIT_EXCEEDED.',
    labels: { limit: 'the name of the limit, as the error has it, such as `max_sessions`' },
  },
  denials: {
    name: 'runlet_denials_total',
    type: 'counter',
    help: 'Calls that failed since they asked for what is not allowed.',
    labels: { reason: 'the reason of the error, such as `GRANT_MISSING` or `POLICY_DENIED`' },
  },
  logins: {
    name: 'runlet_logins_total',
    type: 'counter',
    help: 'Callers that came in, each once over a connection, and that did not.',
    labels: {
      kind: `${oneOf(AUTH_KINDS)}; \`${OTHER}\`: with nothing that the listener takes`,
      result: oneOf(['ok', 'failed']),
    },
  },
  auditFailures: {
    name: 'runlet_audit_failures_total',
    type: 'counter',
    help: 'Writes to the file of the audit that failed; they are tried again.',
    labels: {},
  },
  auditLinesLost: {
    name: 'runlet_audit_lost_lines_total',
    type: 'counter',
    help: 'Lines of the audit that were left out since too many waited to be written.',
    labels: {},
  },
  certificateEnd: {
    name: 'runlet_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    help: 'When the certificate of the server is over, since 1970. Absent where there is none.',
    labels: {},
  },
  maxHeap: {
    name: 'runlet_max_heap_bytes',
    type: 'gauge',
    help: 'Bytes of the heap of JavaScript at which Node.js ends the server.',
    labels: {},
  },
} as const satisfies Record<string, Series>;
