// @ts-check
import { FONT, FONT_SIZE, INK, MUTED, PALE } from '../../bench/report/look.mjs';

/** @import { CustomSeriesOption } from 'echarts' */
/** @import { ScenarioResult } from '../lib/scenario.mjs' */

const BAR_HEIGHT = 10;
const TICK_HEIGHT = 14;
const DOT_RADIUS = 3;
const BAR = '#56b4e9';
const DOT = '#d55e00';

/** What nothing is shorter than, in ms: a logarithmic axis has no zero. */
const LEAST_MS = 0.1;

/**
 * The latencies of scenarios, each a row, on a logarithmic axis.
 *
 * @param {readonly ScenarioResult[]} scenarios
 * @param {number} index of the grid that they are in, and of its axes
 */
export function latencyBars(scenarios, index) {
  const rows = scenarios.map(({ latency, name }) => ({
    name,
    values: [latency?.p50, latency?.p90, latency?.p95, latency?.p99, latency?.max].map((value) =>
      Math.max(LEAST_MS, value ?? LEAST_MS),
    ),
  }));
  const label = { fontFamily: FONT, fontSize: FONT_SIZE, color: MUTED };
  return {
    xAxis: {
      gridIndex: index,
      type: /** @type {const} */ ('log'),
      min: LEAST_MS,
      axisLabel: label,
      splitLine: { lineStyle: { color: PALE } },
    },
    yAxis: {
      gridIndex: index,
      type: /** @type {const} */ ('category'),
      inverse: true,
      data: rows.map(({ name }) => name),
      axisTick: { show: false },
      axisLabel: { ...label, color: INK, interval: 0 },
    },
    series: seriesOf(
      rows.map(({ values }) => values),
      index,
    ),
  };
}

/**
 * @param {readonly number[][]} rows p50, p90, p95, p99 and the longest
 * @param {number} index
 * @returns {CustomSeriesOption}
 */
function seriesOf(rows, index) {
  return {
    type: 'custom',
    xAxisIndex: index,
    yAxisIndex: index,
    silent: true,
    data: rows.map((values, row) => [...values, row]),
    encode: { x: [0, 1, 2, 3, 4], y: 5 },
    renderItem: ({ dataIndex }, api) => {
      const [p50 = 0, p90 = 0, p95 = 0, p99 = 0, max = 0] = rows[dataIndex] ?? [];
      const x = (/** @type {number} */ value) => api.coord([value, dataIndex])[0] ?? 0;
      const y = api.coord([LEAST_MS, dataIndex])[1] ?? 0;
      const tick = (/** @type {number} */ value) => ({
        type: /** @type {const} */ ('line'),
        shape: { x1: x(value), x2: x(value), y1: y - TICK_HEIGHT / 2, y2: y + TICK_HEIGHT / 2 },
        style: { stroke: INK, lineWidth: 1.25 },
      });
      return {
        type: 'group',
        children: [
          {
            type: 'rect',
            shape: {
              x: x(p50),
              y: y - BAR_HEIGHT / 2,
              width: Math.max(1, x(p99) - x(p50)),
              height: BAR_HEIGHT,
            },
            style: { fill: BAR },
          },
          tick(p90),
          tick(p95),
          {
            type: 'circle',
            shape: { cx: x(max), cy: y, r: DOT_RADIUS },
            style: { fill: DOT },
          },
        ],
      };
    },
  };
}
