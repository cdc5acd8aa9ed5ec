// @ts-check

/** @import { Panel, Query } from './queries.mjs' */

/** Where what is shown comes from: whoever looks chooses it. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana puts it in.
export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** The labels of the servers that are looked at. */
const SERVERS = 'job="$job", instance=~"$instance"';

/**
 * A question about the servers that are looked at.
 *
 * @param {string} expr
 */
export function ofServers(expr) {
  return expr.replaceAll('SERVERS', SERVERS);
}

/**
 * A panel as Grafana has it, without its place.
 *
 * @param {Panel} panel
 */
export function panelOf(panel) {
  const { description, queries, title, type = 'timeseries', unit } = panel;
  const { defaults, options } = type === 'stat' ? statOf(panel) : timeseriesOf(panel);
  return {
    type,
    title,
    description,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit, ...defaults }, overrides: boundsOf(panel) },
    options,
    targets: queries.map((query, index) => targetOf(query, index, type === 'stat')),
  };
}

/**
 * @param {Query} query
 * @param {number} index
 * @param {boolean} instant whether only the last value is asked for
 */
function targetOf({ exemplars = false, expr, legend }, index, instant) {
  return {
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource: DATASOURCE,
    expr: ofServers(expr),
    legendFormat: legend,
    ...(instant ? { instant: true, range: false } : { range: true }),
    ...(exemplars ? { exemplar: true } : {}),
  };
}

/** @param {Panel} panel */
function statOf({ byName = false, zero }) {
  const steps =
    zero === undefined
      ? [{ color: 'blue', value: null }]
      : [
          { color: zero, value: null },
          { color: zero === 'red' ? 'green' : 'red', value: 1 },
        ];
  return {
    defaults: { color: { mode: 'thresholds' }, thresholds: { mode: 'absolute', steps } },
    options: {
      colorMode: 'value',
      graphMode: 'none',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      textMode: byName ? 'value_and_name' : 'auto',
    },
  };
}

/** @param {Panel} panel */
function timeseriesOf({ stacked = false }) {
  const stacking = { mode: stacked ? 'normal' : 'none', group: 'A' };
  return {
    defaults: {
      min: 0,
      custom: { drawStyle: 'line', fillOpacity: stacked ? 20 : 0, lineWidth: 1, stacking },
      color: { mode: 'palette-classic' },
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  };
}

/**
 * Limits are drawn as dashes.
 *
 * @param {Panel} panel
 */
function boundsOf({ queries }) {
  return queries.flatMap(({ isBound = false }, index) =>
    isBound
      ? [
          {
            matcher: { id: 'byFrameRefID', options: String.fromCharCode(65 + index) },
            properties: [
              { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 10] } },
              { id: 'custom.stacking', value: { mode: 'none', group: 'B' } },
            ],
          },
        ]
      : [],
  );
}
