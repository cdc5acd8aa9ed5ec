// @ts-check
import { FONT, FONT_SIZE, INK, MUTED, PALE } from '../../bench/report/look.mjs';
import { renderSvg } from '../../bench/report/svg.mjs';
import { latencyBars } from './latency-bars.mjs';

/** @import { EChartsOption } from 'echarts' */
/** @import { LoadReport, ServerRun } from '../lib/report.mjs' */
/** @import { ScenarioResult } from '../lib/scenario.mjs' */

const WIDTH = 960;
const LEFT = 64;
const RIGHT = 24;
/** Of a panel over time. */
const PLOT_HEIGHT = 120;
/** Above a panel, for its title. */
const TITLE_HEIGHT = 40;
/** Below a panel, for its axis. */
const AXIS_HEIGHT = 44;
/** Between the last panel over time and what follows. */
const LATENCY_ROW = 26;

/** Okabe and Ito's colors: processor, memory. */
const CPU = '#0072b2';
const MEMORY = '#d55e00';
/** Of every other scenario, behind the lines. */
const BAND = '#f3f5f7';

const QUIET = { fontFamily: FONT, fontSize: FONT_SIZE, color: MUTED };
const TITLE = { fontFamily: FONT, fontSize: 13, color: INK };

/**
 * A quantity of a server over time.
 *
 * @typedef {object} Panel
 * @property {string} title
 * @property {string} color
 * @property {number[][]} points seconds, and the value then
 * @property {readonly ScenarioResult[]} scenarios that were run on the server
 */

/**
 * Draws a run: what each server used of a processor and of memory over time, with the
 * scenarios that were run meanwhile, and below that the latencies of these.
 *
 * @param {LoadReport} report
 * @returns {string} an SVG; the same for the same report
 */
export function drawTimeline({ scenarios, servers }) {
  const panels = servers.flatMap((server, index) =>
    panelsOf(
      server,
      index,
      scenarios.filter((one) => one.server === index),
    ),
  );
  const measured = scenarios.filter(({ latency }) => latency !== undefined);
  const top = (/** @type {number} */ index) =>
    TITLE_HEIGHT + index * (TITLE_HEIGHT + PLOT_HEIGHT + AXIS_HEIGHT);
  const latencyTop = top(panels.length);
  const height = latencyTop + measured.length * LATENCY_ROW + AXIS_HEIGHT;
  const bars = latencyBars(measured, panels.length);
  /** @type {EChartsOption} */
  const option = {
    animation: false,
    backgroundColor: '#ffffff',
    title: [
      ...panels.map(({ title }, index) => titleOf(title, top(index))),
      titleOf(
        'Latencies: p50 to p99 as a bar, p90 and p95 as ticks, the longest as a dot. In ms, on a logarithmic scale',
        latencyTop,
      ),
    ],
    grid: [
      ...panels.map((_, index) => gridOf(top(index), PLOT_HEIGHT)),
      { ...gridOf(latencyTop, measured.length * LATENCY_ROW), left: 176 },
    ],
    xAxis: [
      ...panels.map((panel, gridIndex) => ({
        gridIndex,
        type: /** @type {const} */ ('value'),
        min: 0,
        max: Math.ceil(panel.points.at(-1)?.[0] ?? 1),
        axisLabel: { ...QUIET, formatter: '{value} s' },
        splitLine: { show: false },
      })),
      bars.xAxis,
    ],
    yAxis: [
      ...panels.map((_, gridIndex) => ({
        gridIndex,
        type: /** @type {const} */ ('value'),
        splitNumber: 3,
        axisLabel: QUIET,
        splitLine: { lineStyle: { color: PALE } },
      })),
      bars.yAxis,
    ],
    series: [...panels.map(lineOf), bars.series],
  };
  return renderSvg(option, WIDTH, height);
}

/**
 * @param {ServerRun} server
 * @param {number} index
 * @param {readonly ScenarioResult[]} scenarios
 * @returns {Panel[]}
 */
function panelsOf({ samples }, index, scenarios) {
  const name = `Server ${index + 1}`;
  return [
    {
      title: `${name}: processors in use`,
      color: CPU,
      points: samples.map(({ cpu, seconds }) => [seconds, cpu]),
      scenarios,
    },
    {
      title: `${name}: resident memory, MiB`,
      color: MEMORY,
      points: samples.map(({ residentMib, seconds }) => [seconds, residentMib]),
      scenarios,
    },
  ];
}

/**
 * @param {Panel} panel
 * @param {number} index
 */
function lineOf({ color, points, scenarios }, index) {
  return {
    type: /** @type {const} */ ('line'),
    xAxisIndex: index,
    yAxisIndex: index,
    data: points,
    showSymbol: false,
    silent: true,
    lineStyle: { color, width: 1.25 },
    itemStyle: { color },
    markArea: {
      silent: true,
      label: { show: false },
      data: scenarios.map(({ from, to }, turn) => band(from, to, turn)),
    },
    markLine: {
      silent: true,
      symbol: 'none',
      lineStyle: { color: MUTED, width: 0.75, type: /** @type {const} */ ('dotted') },
      label: {
        ...QUIET,
        fontSize: 9,
        rotate: 90,
        position: /** @type {const} */ ('insideEndBottom'),
      },
      data: scenarios.map(({ from, name }) => ({ xAxis: from, label: { formatter: name } })),
    },
  };
}

/**
 * @param {number} from
 * @param {number} to
 * @param {number} turn
 * @returns {[{ xAxis: number, itemStyle: { color: string } }, { xAxis: number }]}
 */
function band(from, to, turn) {
  return [{ xAxis: from, itemStyle: { color: turn % 2 === 0 ? BAND : '#ffffff' } }, { xAxis: to }];
}

/**
 * @param {string} text
 * @param {number} top of what it is above
 */
function titleOf(text, top) {
  return { text, left: LEFT - 48, top: top - 26, padding: 0, textStyle: TITLE };
}

/**
 * @param {number} top
 * @param {number} height
 */
function gridOf(top, height) {
  return { left: LEFT, top, width: WIDTH - LEFT - RIGHT, height, containLabel: false };
}
