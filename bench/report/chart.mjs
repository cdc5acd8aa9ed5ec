// @ts-check
import { LINE_HEIGHT, layOut, MARGIN, WIDTH } from './chart-layout.mjs';
import { formatNumber } from './format.mjs';
import { FONT, FONT_SIZE, INK, MUTED, PALE } from './look.mjs';
import { renderSvg } from './svg.mjs';

/** @import { CustomSeriesOption, EChartsOption } from 'echarts' */
/** @import { StoredResult } from '../lib/part.mjs' */
/** @import { Bar, Panel } from './chart-layout.mjs' */

const BAR_SHARE = 0.62;
const WHISKER_CAP = 6;
const LEGEND = 'Bars: median of the rounds. Whiskers: least and greatest.';

/**
 * Draws a result: for each row a panel, and in it a bar for each contender, up to the
 * median of the rounds, with a whisker from the least of them to the greatest.
 *
 * @param {StoredResult} result
 * @returns {string} an SVG; the same for the same result
 */
export function drawChart(result) {
  const { panels, height: legendTop } = layOut(result);
  const height = legendTop + LINE_HEIGHT + MARGIN;
  return renderSvg(optionOf(panels, legendOf(result), legendTop), WIDTH, height);
}

/** @param {StoredResult} result */
function legendOf({ contenders }) {
  const missing = contenders.filter((one) => one.missing !== undefined).map(({ name }) => name);
  return missing.length === 0 ? LEGEND : `${LEGEND} Missing, not measured: ${missing.join(', ')}.`;
}

/**
 * @param {readonly Panel[]} panels
 * @param {string} legend
 * @param {number} legendTop
 * @returns {EChartsOption}
 */
function optionOf(panels, legend, legendTop) {
  const font = { fontFamily: FONT, fontSize: FONT_SIZE };
  const quiet = { ...font, color: MUTED, fontWeight: /** @type {const} */ ('normal') };
  return {
    animation: false,
    backgroundColor: '#ffffff',
    title: [
      ...panels.map(({ title, note, corner }) => ({
        text: title,
        subtext: note,
        ...corner,
        padding: 0,
        itemGap: 2,
        textStyle: { ...font, fontSize: 13, lineHeight: LINE_HEIGHT, color: INK },
        subtextStyle: { ...quiet, lineHeight: LINE_HEIGHT },
      })),
      { text: legend, left: MARGIN, top: legendTop, padding: 0, textStyle: quiet },
    ],
    grid: panels.map(({ plot }) => ({ ...plot, containLabel: false })),
    xAxis: panels.map(({ base, logarithmic }, gridIndex) => ({
      gridIndex,
      type: logarithmic ? 'log' : 'value',
      ...(logarithmic ? { min: base } : {}),
      splitNumber: 4,
      axisLabel: { ...quiet, fontSize: 11, formatter: axisNumber, hideOverlap: true },
      splitLine: { lineStyle: { color: PALE } },
    })),
    yAxis: panels.map(({ bars }, gridIndex) => ({
      gridIndex,
      type: 'category',
      inverse: true,
      data: bars.map(({ name }) => name),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: MUTED } },
      axisLabel: { ...font, color: INK, lineHeight: 14, interval: 0 },
    })),
    series: panels.map(seriesOf),
  };
}

/**
 * @param {Panel} panel
 * @param {number} index
 * @returns {CustomSeriesOption}
 */
function seriesOf({ bars, base, plot }, index) {
  const barHeight = (plot.height / bars.length) * BAR_SHARE;
  return {
    type: 'custom',
    xAxisIndex: index,
    yAxisIndex: index,
    silent: true,
    data: bars.map((bar, y) => [bar.median, bar.least, bar.greatest, y]),
    encode: { x: [0, 1, 2], y: 3 },
    renderItem: ({ dataIndex }, api) => {
      const x = (/** @type {number} */ value) => api.coord([value, dataIndex])[0] ?? 0;
      const y = api.coord([base, dataIndex])[1] ?? 0;
      const bar = /** @type {Bar} */ (bars[dataIndex]);
      return {
        type: 'group',
        children: [
          {
            type: 'rect',
            shape: {
              x: Math.min(x(base), x(bar.median)),
              y: y - barHeight / 2,
              width: Math.abs(x(bar.median) - x(base)),
              height: barHeight,
            },
            style: { fill: bar.color },
          },
          ...whisker(x(bar.least), x(bar.greatest), y),
          {
            type: 'text',
            style: {
              text: formatNumber(bar.median),
              x: Math.max(x(bar.greatest), x(bar.median)) + 6,
              y,
              align: 'left',
              verticalAlign: 'middle',
              fill: INK,
              font: `${FONT_SIZE}px ${FONT}`,
            },
          },
        ],
      };
    },
  };
}

/**
 * @param {number} from
 * @param {number} to
 * @param {number} y
 */
function whisker(from, to, y) {
  const line = (/** @type {number[]} */ [x1 = 0, y1 = 0, x2 = 0, y2 = 0]) => ({
    type: /** @type {const} */ ('line'),
    shape: { x1, y1, x2, y2 },
    style: { stroke: INK, lineWidth: 1.25 },
  });
  const cap = WHISKER_CAP / 2;
  return [
    line([from, y, to, y]),
    line([from, y - cap, from, y + cap]),
    line([to, y - cap, to, y + cap]),
  ];
}

/** @param {number} value */
function axisNumber(value) {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}
