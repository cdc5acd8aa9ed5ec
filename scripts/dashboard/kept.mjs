// @ts-check
import { rate } from './queries.mjs';

/** @import { Row } from './queries.mjs' */

/** @type {Row} */
const OUTPUT = {
  title: 'Output',
  panels: [
    {
      title: 'Output by stream',
      description: 'Bytes that processes wrote, by stream.',
      unit: 'Bps',
      stacked: true,
      queries: [
        { expr: rate('stream', 'runlet_output_bytes_total{SERVERS}'), legend: '{{stream}}' },
      ],
    },
    {
      title: 'Stdin',
      description: 'Bytes that were handed to processes.',
      unit: 'Bps',
      queries: [
        { expr: rate('instance', 'runlet_stdin_bytes_total{SERVERS}'), legend: '{{instance}}' },
      ],
    },
    {
      title: 'Gaps',
      description: 'Output that readers asked for and that was not retained any more.',
      unit: 'Bps',
      queries: [
        { expr: rate('instance', 'runlet_gap_bytes_total{SERVERS}'), legend: '{{instance}}' },
      ],
    },
    {
      title: 'Retained output by tier',
      description: 'What output takes in memory and in files, and what it may take.',
      unit: 'bytes',
      queries: [
        { expr: 'runlet_retained_bytes{SERVERS}', legend: '{{instance}} {{tier}}' },
        {
          expr: 'runlet_max_retained_bytes{SERVERS}',
          legend: '{{instance}} {{tier}} limit',
          isBound: true,
        },
      ],
    },
    {
      title: 'Files of output that fail',
      description:
        'Writes and reads that failed. Output stays in memory meanwhile, and is lost where that is full.',
      unit: 'cps',
      queries: [
        { expr: rate('instance', 'runlet_spool_failures_total{SERVERS}'), legend: '{{instance}}' },
      ],
    },
    {
      title: 'Readers that lag',
      description: 'Readers with much still to be sent, or which do not say that it arrives.',
      unit: 'short',
      queries: [{ expr: 'runlet_lagging_subscribers{SERVERS}', legend: '{{instance}}' }],
    },
  ],
};

/** @type {Row} */
const TRUST = {
  title: 'Who comes in, and what is refused',
  panels: [
    {
      title: 'Logins by kind',
      description: 'Callers that came in, by what they showed.',
      unit: 'cps',
      queries: [
        { expr: rate('kind', 'runlet_logins_total{SERVERS, result="ok"}'), legend: '{{kind}}' },
      ],
    },
    {
      title: 'Logins that fail',
      description:
        'Callers that did not come in. other: they showed nothing that the listener takes.',
      unit: 'cps',
      queries: [
        { expr: rate('kind', 'runlet_logins_total{SERVERS, result="failed"}'), legend: '{{kind}}' },
      ],
    },
    {
      title: 'Denials by reason',
      description: 'Calls that asked for what their callers may not do.',
      unit: 'cps',
      stacked: true,
      queries: [{ expr: rate('reason', 'runlet_denials_total{SERVERS}'), legend: '{{reason}}' }],
    },
    {
      title: 'Refusals by limit',
      description:
        'Calls that failed with LIMIT_EXCEEDED. docs/limits.md has each limit, and its flag.',
      unit: 'cps',
      stacked: true,
      queries: [{ expr: rate('limit', 'runlet_refusals_total{SERVERS}'), legend: '{{limit}}' }],
    },
    {
      title: 'Audit',
      description:
        'Writes of the audit that failed and are tried again, and lines that were left out.',
      unit: 'cps',
      queries: [
        {
          expr: rate('instance', 'runlet_audit_failures_total{SERVERS}'),
          legend: '{{instance}} failed',
        },
        {
          expr: rate('instance', 'runlet_audit_lost_lines_total{SERVERS}'),
          legend: '{{instance}} lost',
        },
      ],
    },
  ],
};

/** @type {Row} */
const MACHINE = {
  title: 'The server itself',
  panels: [
    {
      title: 'Event loop delay',
      description: 'How late the event loop is, which every call waits for: p99, and at the most.',
      unit: 's',
      queries: [
        { expr: 'nodejs_eventloop_lag_p99_seconds{SERVERS}', legend: '{{instance}} p99' },
        { expr: 'nodejs_eventloop_lag_max_seconds{SERVERS}', legend: '{{instance}} most' },
      ],
    },
    {
      title: 'Processor time',
      description:
        'Cores that the server uses, without its processes. One is used by what calls wait for.',
      unit: 'short',
      queries: [
        {
          expr: rate('instance', 'process_cpu_seconds_total{SERVERS}'),
          legend: '{{instance}}',
        },
      ],
    },
    {
      title: 'Memory',
      description:
        'What is resident, and what is used of the heap of JavaScript, without processes.',
      unit: 'bytes',
      queries: [
        { expr: 'process_resident_memory_bytes{SERVERS}', legend: '{{instance}} resident' },
        { expr: 'nodejs_heap_size_used_bytes{SERVERS}', legend: '{{instance}} heap' },
        {
          expr: 'runlet_max_heap_bytes{SERVERS}',
          legend: '{{instance}} heap limit',
          isBound: true,
        },
      ],
    },
    {
      title: 'Garbage collection',
      description: 'Part of the time that garbage collections take, by kind.',
      unit: 'percentunit',
      queries: [
        {
          expr: rate('instance, kind', 'nodejs_gc_duration_seconds_sum{SERVERS}'),
          legend: '{{instance}} {{kind}}',
        },
      ],
    },
    {
      title: 'File descriptors',
      description:
        'Those that are open, some for each process and connection, and how many there may be.',
      unit: 'short',
      queries: [
        { expr: 'process_open_fds{SERVERS}', legend: '{{instance}}' },
        { expr: 'process_max_fds{SERVERS}', legend: '{{instance}} limit', isBound: true },
      ],
    },
  ],
};

/** What servers keep, whom they let in, and what they take of their machines. */
export const KEPT = [OUTPUT, TRUST, MACHINE];
