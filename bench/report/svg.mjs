// @ts-check
import * as echarts from 'echarts';

/** @import { EChartsOption } from 'echarts' */

/**
 * Draws a chart.
 *
 * @param {EChartsOption} option
 * @param {number} width in pixels
 * @param {number} height in pixels
 * @returns {string} an SVG; the same for the same option
 */
export function renderSvg(option, width, height) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption(option);
    return `${withoutClasses(chart.renderToSVGString())}\n`;
  } finally {
    chart.dispose();
  }
}

/**
 * Takes out what an image has no use for: what says how it reacts to a pointer, and has
 * numbers that differ from one drawing to the next.
 *
 * @param {string} svg
 */
function withoutClasses(svg) {
  return svg
    .replaceAll(/ (class|pointer-events|ecmeta_\w+)="[^"]*"/g, '')
    .replaceAll(/\bzr\d+-/g, '')
    .replace(/<style[^>]*>.*<\/style>\n?/s, '');
}
