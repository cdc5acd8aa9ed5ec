// @ts-check
import { KEPT } from './kept.mjs';
import { DATASOURCE, ofServers, panelOf } from './panel.mjs';
import { WORK } from './work.mjs';

/** @import { Panel, Row } from './queries.mjs' */

/** Grafana's width. */
const COLUMNS = 24;

const HEIGHT = 8;
const STAT_HEIGHT = 4;

/** The dashboard as Grafana reads it. */
export function dashboard() {
  return {
    uid: 'runlet',
    title: 'runlet',
    description: 'Servers of runlet: what they do, what they refuse, and what they run out of.',
    tags: ['runlet'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    links: [
      {
        title: 'Runbook',
        type: 'link',
        url: 'https://github.com/runlet/runlet/blob/main/docs/runbook.md',
        targetBlank: true,
      },
    ],
    templating: { list: variables() },
    annotations: { list: [restarts()] },
    panels: panelsOf([...WORK, ...KEPT]),
  };
}

function variables() {
  return [
    {
      name: 'datasource',
      label: 'Data source',
      type: 'datasource',
      query: 'prometheus',
      current: {},
    },
    {
      ...variable('job', 'Job', 'label_values(runlet_build_info, job)'),
      multi: false,
      includeAll: false,
    },
    variable('instance', 'Server', 'label_values(runlet_build_info{job="$job"}, instance)'),
    variable('method', 'Method', 'label_values(runlet_calls_total{job="$job"}, method)'),
  ];
}

/**
 * @param {string} name
 * @param {string} label
 * @param {string} query
 */
function variable(name, label, query) {
  return {
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    definition: query,
    query: { query, refId: name },
    // When the time that is looked at changes, too.
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.+',
    current: {},
  };
}

function restarts() {
  return {
    name: 'Starts',
    datasource: DATASOURCE,
    enable: true,
    iconColor: 'orange',
    expr: ofServers('changes(process_start_time_seconds{SERVERS}[2m]) > 0'),
    titleFormat: 'started',
    textFormat: '{{instance}}',
  };
}

/** @param {readonly Row[]} rows */
function panelsOf(rows) {
  const panels = [];
  let id = 0;
  let y = 0;
  for (const row of rows) {
    id += 1;
    const gridPos = { h: 1, w: COLUMNS, x: 0, y };
    panels.push({ id, type: 'row', title: row.title, collapsed: false, gridPos, panels: [] });
    y += 1;
    for (const line of linesOf(row.panels)) {
      const w = COLUMNS / line.length;
      const h = Math.max(...line.map(heightOf));
      for (const [i, panel] of line.entries()) {
        id += 1;
        panels.push({ id, ...panelOf(panel), gridPos: { h, w, x: i * w, y } });
      }
      y += h;
    }
  }
  return panels;
}

/** @param {Panel} panel */
function heightOf({ type }) {
  return type === 'stat' ? STAT_HEIGHT : HEIGHT;
}

/**
 * Panels that stand beside each other: numbers, and up to three others.
 *
 * @param {readonly Panel[]} panels
 */
function linesOf(panels) {
  /** @type {Panel[][]} */
  const lines = [];
  const stats = panels.filter(({ type }) => type === 'stat');
  const others = panels.filter(({ type }) => type !== 'stat');
  if (stats.length > 0) lines.push(stats);
  const perLine = others.length % 3 === 0 ? 3 : 2;
  for (let i = 0; i < others.length; i += perLine) lines.push(others.slice(i, i + perLine));
  return lines;
}
