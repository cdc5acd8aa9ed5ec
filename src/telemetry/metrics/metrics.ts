import { getHeapStatistics } from 'node:v8';
import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type OpenMetricsContentType,
  Registry,
} from 'prom-client';
import { type Gauges, type Meter, UNREADY_REASONS } from '../meter.ts';
import { sampledTraceId, type TraceContext } from '../tracing/trace-context.ts';
import { CONTENT_TYPES, exposition, type Format } from './exposition.ts';
import { openDescriptors } from './open-descriptors.ts';
import { SERIES, type Series } from './series.ts';
import { type Counts, Tallies } from './tallies.ts';

/** How metrics are made. */
export interface MetricsOptions {
  /** The version of the server. */
  readonly version: string;
  /** The paths of all methods that are served. */
  readonly methods: readonly string[];
  /** The reasons of all denials. */
  readonly denials: readonly string[];
  /** Whether traces are examples of what was measured: the last one of each bucket. */
  readonly exemplars: boolean;
}

/** What was counted, as it is answered. */
export interface Scrape {
  readonly contentType: string;
  readonly body: string;
}

/** The metrics of a server. */
export interface Metrics {
  /** What the server tells them. */
  readonly meter: Meter;
  /** Writes them as they are now, with what `gauges` says. */
  scrape(format: Format, gauges: Gauges): Promise<Scrape>;
}

/**
 * What prom-client tells of Node.js that takes a time which grows with the number of processes, or
 * is a gauge with a name of a counter.
 */
const LEFT_OUT = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  // Reads a folder with all of them on the event loop.
  'process_open_fds',
];

/** Makes metrics; from now on Node.js measures how late its event loop is. */
export function openMetrics(options: MetricsOptions): Metrics {
  const { exemplars, methods, version } = options;
  // Of this kind there are exemplars; what it writes itself is not asked for.
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const registers = [registry];
  const counter = (series: Series): Counter => new Counter({ ...shapeOf(series), registers });
  const gauge = (series: Series): Gauge => new Gauge({ ...shapeOf(series), registers });
  const histogram = (series: Series): Histogram =>
    new Histogram({
      ...shapeOf(series),
      registers,
      buckets: [...(series.buckets ?? [])],
      enableExemplars: exemplars,
    });
  const observe = exemplars ? observeTraced : observePlain;

  gauge(SERIES.build).set({ version }, 1);
  const ready = gauge(SERIES.ready);
  const unready = gauge(SERIES.unready);
  const calls = counter(SERIES.calls);
  const callDuration = histogram(SERIES.callDuration);
  const open = gauge(SERIES.open);
  const connections = gauge(SERIES.connections);
  const maxConnections = gauge(SERIES.maxConnections);
  const sessions = gauge(SERIES.sessions);
  const maxSessions = gauge(SERIES.maxSessions);
  const processes = gauge(SERIES.processes);
  const maxProcesses = gauge(SERIES.maxProcesses);
  const starts = counter(SERIES.starts);
  const startDuration = histogram(SERIES.startDuration);
  const ends = counter(SERIES.ends);
  const output = counter(SERIES.output);
  const stdin = counter(SERIES.stdin);
  const gap = counter(SERIES.gap);
  const retained = gauge(SERIES.retained);
  const maxRetained = gauge(SERIES.maxRetained);
  const lagging = gauge(SERIES.lagging);
  const spoolFailures = counter(SERIES.spoolFailures);
  const evictions = counter(SERIES.evictions);
  const takeovers = counter(SERIES.takeovers);
  const expiries = counter(SERIES.expiries);
  const refusals = counter(SERIES.refusals);
  const denials = counter(SERIES.denials);
  const logins = counter(SERIES.logins);
  const auditFailures = counter(SERIES.auditFailures);
  const auditLinesLost = counter(SERIES.auditLinesLost);
  const certificateEnd = gauge(SERIES.certificateEnd);
  gauge(SERIES.maxHeap).set(getHeapStatistics().heap_size_limit);
  collectDefaultMetrics({ register: registry });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  const descriptors = new Gauge({
    name: 'process_open_fds',
    help: 'Number of open file descriptors.',
    registers,
  });

  const tallies = new Tallies(methods, options.denials, {
    call: (method, seconds, trace) => observe(callDuration, { method }, seconds, trace),
    start: (stage, seconds, trace) => observe(startDuration, { stage }, seconds, trace),
  });
  const fill = (gauges: Gauges): void => {
    setBoth(calls, tallies.calls, 'method', 'code');
    setBoth(logins, tallies.logins, 'kind', 'result');
    setAll(starts, tallies.starts, 'result');
    setAll(ends, tallies.ends, 'reason');
    setAll(output, tallies.outputBytes, 'stream');
    setAll(refusals, tallies.refusals, 'limit');
    setAll(denials, tallies.denials, 'reason');
    const { totals } = tallies;
    setOne(stdin, totals.stdin);
    setOne(gap, totals.gap);
    setOne(spoolFailures, totals.spoolFailures);
    setOne(evictions, totals.evictions);
    setOne(takeovers, totals.takeovers);
    setOne(expiries, totals.expiries);
    setOne(auditFailures, totals.auditFailures);
    setOne(auditLinesLost, totals.auditLinesLost);
    for (const [method, count] of tallies.open.entries()) open.set({ method }, count);
    const { bounds, certificateEnd: endMs } = gauges;
    ready.set(gauges.unready.length === 0 ? 1 : 0);
    for (const reason of UNREADY_REASONS) {
      unready.set({ reason }, gauges.unready.includes(reason) ? 1 : 0);
    }
    connections.set(gauges.connections);
    maxConnections.set(bounds.connections);
    setStates(sessions, 'state', gauges.sessions);
    maxSessions.set(bounds.sessions);
    setStates(processes, 'state', gauges.processes);
    maxProcesses.set(bounds.processes);
    setStates(retained, 'tier', gauges.retained);
    setStates(maxRetained, 'tier', bounds.retained);
    lagging.set(gauges.laggingSubscribers);
    // One without labels is 0 otherwise: long over.
    if (endMs === undefined) certificateEnd.remove();
    else certificateEnd.set(endMs / 1000);
  };
  return {
    meter: tallies,
    async scrape(format, gauges) {
      const count = await openDescriptors();
      if (count !== undefined) descriptors.set(count);
      fill(gauges);
      const metrics = await registry.getMetricsAsJSON();
      return { contentType: CONTENT_TYPES[format], body: exposition(metrics, format) };
    },
  };
}

type Labels = Readonly<Record<string, string>>;

function observePlain(histogram: Histogram, labels: Labels, seconds: number): void {
  histogram.observe(labels, seconds);
}

/** Keeps which trace it was, where somebody can look at that. */
function observeTraced(
  histogram: Histogram,
  labels: Labels,
  value: number,
  trace: TraceContext | undefined,
): void {
  const id = trace && sampledTraceId(trace);
  histogram.observe({ labels, value, exemplarLabels: id === undefined ? {} : { trace_id: id } });
}

function shapeOf({ help, labels, name }: Series): {
  readonly help: string;
  readonly labelNames: string[];
  readonly name: string;
} {
  return { name, help, labelNames: Object.keys(labels) };
}

/** A counter of prom-client can only be added to. */
function setOne(counter: Counter, count: number): void {
  counter.reset();
  counter.inc(count);
}

function setAll(counter: Counter, counts: Counts, label: string): void {
  counter.reset();
  for (const [value, count] of counts.entries()) counter.inc({ [label]: value }, count);
}

function setBoth(
  counter: Counter,
  all: ReadonlyMap<string, Counts>,
  first: string,
  second: string,
): void {
  counter.reset();
  for (const [outer, counts] of all) {
    for (const [inner, count] of counts.entries()) {
      counter.inc({ [first]: outer, [second]: inner }, count);
    }
  }
}

function setStates(gauge: Gauge, label: string, states: Readonly<Record<string, number>>): void {
  for (const [state, count] of Object.entries(states)) gauge.set({ [label]: state }, count);
}
