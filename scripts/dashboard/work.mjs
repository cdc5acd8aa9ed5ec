// @ts-check
import { quantiles, rate } from './queries.mjs';

/** @import { Row } from './queries.mjs' */

/** @type {Row} */
const OVERVIEW = {
  title: 'Overview',
  panels: [
    {
      title: 'Ready',
      description: 'Whether new work may go to each server. The reasons are beside it.',
      unit: 'bool_yes_no',
      type: 'stat',
      zero: 'red',
      queries: [{ expr: 'runlet_ready{SERVERS}', legend: '{{instance}}' }],
    },
    {
      title: 'Version',
      description: 'The version of each server, and how many have it.',
      unit: 'short',
      type: 'stat',
      byName: true,
      queries: [{ expr: 'count by (version) (runlet_build_info{SERVERS})', legend: '{{version}}' }],
    },
    {
      title: 'Up since',
      description: 'How long each server has run. Sessions are lost with each start.',
      unit: 'dtdurations',
      type: 'stat',
      queries: [{ expr: 'time() - process_start_time_seconds{SERVERS}', legend: '{{instance}}' }],
    },
    {
      title: 'Certificate is over in',
      description: 'Until when the certificate of each server with TLS is valid.',
      unit: 'dtdurations',
      type: 'stat',
      queries: [
        {
          expr: 'runlet_certificate_expiry_timestamp_seconds{SERVERS} - time()',
          legend: '{{instance}}',
        },
      ],
    },
    {
      title: 'Not ready, by reason',
      description: 'Why no new work goes to a server. docs/serving.md has what each reason means.',
      unit: 'short',
      stacked: true,
      queries: [{ expr: 'runlet_unready{SERVERS} == 1', legend: '{{instance}} {{reason}}' }],
    },
    {
      title: 'Limits',
      description: 'How much of what there may be there is. At 100 % calls are refused.',
      unit: 'percentunit',
      queries: [
        { expr: 'instance_limit:runlet_used:ratio{SERVERS}', legend: '{{instance}} {{limit}}' },
      ],
    },
  ],
};

/** @type {Row} */
const CALLS = {
  title: 'Calls',
  panels: [
    {
      title: 'Calls by method',
      description: 'Calls that ended, by method. A stream is one call.',
      unit: 'reqps',
      stacked: true,
      queries: [
        {
          expr: rate('method', 'runlet_calls_total{SERVERS, method=~"$method"}'),
          legend: '{{method}}',
        },
      ],
    },
    {
      title: 'Errors by code',
      description:
        'Calls that did not end with OK. INTERNAL is a fault of the server; CANCELLED is how clients leave streams.',
      unit: 'reqps',
      stacked: true,
      queries: [
        {
          expr: rate('code', 'runlet_calls_total{SERVERS, method=~"$method", code!="OK"}'),
          legend: '{{code}}',
        },
      ],
    },
    {
      title: 'Part that fails by the server',
      description:
        'INTERNAL, UNKNOWN and UNAVAILABLE among calls of sessions, processes and files, over five minutes.',
      unit: 'percentunit',
      queries: [
        {
          expr: 'instance:runlet_calls_failed:ratio_rate5m{SERVERS}',
          legend: '{{instance}}',
        },
      ],
    },
    {
      title: 'Latency by method',
      description:
        'From when a call was let begin to its end. Streams and long polls last as long as somebody wants them to.',
      unit: 's',
      queries: quantiles(
        'method',
        'runlet_call_duration_seconds_bucket{SERVERS, method=~"$method"}',
      ),
    },
    {
      title: 'Calls under way',
      description: 'Streams of HTTP/2 that are open, by method.',
      unit: 'short',
      stacked: true,
      queries: [
        {
          expr: 'sum by (method) (runlet_open_streams{SERVERS, method=~"$method"})',
          legend: '{{method}}',
        },
      ],
    },
  ],
};

/** @type {Row} */
const SESSIONS = {
  title: 'Sessions',
  panels: [
    {
      title: 'Sessions by state',
      description: 'Attached ones have a client that is told of events. Detached ones expire.',
      unit: 'short',
      stacked: true,
      queries: [{ expr: 'sum by (state) (runlet_sessions{SERVERS})', legend: '{{state}}' }],
    },
    {
      title: 'Connections',
      description: 'Connections of clients, and how many a server takes.',
      unit: 'short',
      queries: [
        { expr: 'runlet_connections{SERVERS}', legend: '{{instance}}' },
        { expr: 'runlet_max_connections{SERVERS}', legend: '{{instance}} limit', isBound: true },
      ],
    },
    {
      title: 'Take-overs and expiries',
      description:
        'Attachments that ended another one, and sessions that nobody named for too long. Many take-overs: two clients share an id.',
      unit: 'cps',
      queries: [
        { expr: rate('', 'runlet_takeovers_total{SERVERS}'), legend: 'take-overs' },
        { expr: rate('', 'runlet_expiries_total{SERVERS}'), legend: 'expiries' },
      ],
    },
  ],
};

/** @type {Row} */
const PROCESSES = {
  title: 'Processes',
  panels: [
    {
      title: 'Processes by state',
      description:
        'Exited: the program is over and somebody holds its output open. Closed: retained.',
      unit: 'short',
      stacked: true,
      queries: [{ expr: 'sum by (state) (runlet_processes{SERVERS})', legend: '{{state}}' }],
    },
    {
      title: 'Starts by result',
      description:
        'Failed: the system would not, most often since a program or folder is not there. Refused: by a limit.',
      unit: 'cps',
      stacked: true,
      queries: [{ expr: rate('result', 'runlet_starts_total{SERVERS}'), legend: '{{result}}' }],
    },
    {
      title: 'Start latency by stage',
      description: 'How long starts wait for their turn, are prepared, and take the system.',
      unit: 's',
      queries: quantiles('stage', 'runlet_start_duration_seconds_bucket{SERVERS}'),
    },
    {
      title: 'Ends by reason',
      description: 'Why processes ended. Terminated: somebody asked for it.',
      unit: 'cps',
      stacked: true,
      queries: [{ expr: rate('reason', 'runlet_ends_total{SERVERS}'), legend: '{{reason}}' }],
    },
    {
      title: 'Evictions',
      description: 'Closed processes that were forgotten when their retention was over.',
      unit: 'cps',
      queries: [
        { expr: rate('instance', 'runlet_evictions_total{SERVERS}'), legend: '{{instance}}' },
      ],
    },
  ],
};

/** What servers do for their callers. */
export const WORK = [OVERVIEW, CALLS, SESSIONS, PROCESSES];
