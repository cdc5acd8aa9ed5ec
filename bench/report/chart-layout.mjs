// @ts-check
import { summarize } from '../lib/statistics.mjs';
import { colorOf, textWidth, wrap } from './look.mjs';

/** @import { StoredResult } from '../lib/part.mjs' */
/** @import { Row } from '../lib/row.mjs' */
/** @import { Summary } from '../lib/statistics.mjs' */

export const WIDTH = 960;
export const MARGIN = 16;
export const LINE_HEIGHT = 16;
const COLUMNS = 2;
/** Between columns, and between panels above one another. */
const GUTTER = 28;
/** Below the bars, for the numbers of the axis. */
const AXIS_HEIGHT = 22;
/** Around the lines of a name. */
const BAR_PADDING = 7;
/** Right of the bars, for a number. */
const NUMBER_WIDTH = 50;
/** Names take no more of a panel. */
const NAME_SHARE = 0.45;
const PANEL_WIDTH = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GUTTER) / COLUMNS;

/** Contenders that are further apart get a logarithmic scale. */
const FAR_APART = 10;

/**
 * A row of a result, as it is drawn.
 *
 * @typedef {object} Panel
 * @property {string} title of one line or more
 * @property {string} note in one line, below the title
 * @property {{ left: number, top: number }} corner
 * @property {{ left: number, top: number, width: number, height: number }} plot
 * @property {boolean} logarithmic
 * @property {number} base where bars begin
 * @property {readonly Bar[]} bars
 */

/** @typedef {Summary & { name: string, color: string }} Bar */

/**
 * Decides where everything of a chart goes.
 *
 * @param {StoredResult} result
 * @returns {{ panels: Panel[], height: number }}
 */
export function layOut({ contenders, rows }) {
  const panels = [];
  let top = MARGIN;
  const drawn = rows.filter(({ values }) => values.length > 0);
  const names = drawn.flatMap(({ values }) =>
    values.flatMap(({ contender }) => wrapName(contender)),
  );
  const nameWidth = 8 + Math.max(0, ...names.map((line) => textWidth(line)));
  for (let first = 0; first < drawn.length; first += COLUMNS) {
    const side = drawn.slice(first, first + COLUMNS).map((row, column) =>
      panelOf(row, contenders, nameWidth, {
        left: MARGIN + column * (PANEL_WIDTH + GUTTER),
        top,
      }),
    );
    // Side by side, bars begin at the same height.
    const plotTop = Math.max(...side.map(({ plot }) => plot.top));
    for (const panel of side) panel.plot.top = plotTop;
    panels.push(...side);
    top = plotTop + Math.max(...side.map(({ plot }) => plot.height)) + AXIS_HEIGHT + GUTTER;
  }
  return { panels, height: top };
}

/**
 * @param {Row} row
 * @param {StoredResult['contenders']} contenders
 * @param {number} nameWidth the same for all, so that all bars begin below one another
 * @param {Panel['corner']} corner
 * @returns {Panel}
 */
function panelOf({ measure, unit, values }, contenders, nameWidth, corner) {
  const title = wrap(measure, PANEL_WIDTH);
  const bars = values.map(({ contender, rounds }) => ({
    name: wrapName(contender).join('\n'),
    color: colorOf(contenders, contender),
    ...summarize(rounds),
  }));
  const mostLines = Math.max(...bars.map(({ name }) => name.split('\n').length));
  const scale = scaleOf(bars);
  return {
    title: title.join('\n'),
    note: `${unit}, ${unit.endsWith('/s') ? 'more' : 'less'} is better${scale.logarithmic ? ', logarithmic scale' : ''}`,
    corner,
    plot: {
      left: corner.left + nameWidth,
      top: corner.top + (title.length + 1) * LINE_HEIGHT + 6,
      width: PANEL_WIDTH - nameWidth - NUMBER_WIDTH,
      height: bars.length * (mostLines * LINE_HEIGHT + BAR_PADDING),
    },
    ...scale,
    bars,
  };
}

/** @param {string} contender */
function wrapName(contender) {
  return wrap(contender, PANEL_WIDTH * NAME_SHARE);
}

/**
 * @param {readonly Bar[]} bars
 * @returns {Pick<Panel, 'logarithmic' | 'base'>}
 */
function scaleOf(bars) {
  const medians = bars.map(({ median }) => median);
  const least = Math.min(...bars.map((bar) => bar.least));
  const logarithmic = least > 0 && Math.max(...medians) / Math.min(...medians) > FAR_APART;
  // No bar is so short that it is not seen.
  return { logarithmic, base: logarithmic ? 10 ** Math.floor(Math.log10(least / 1.5)) : 0 };
}
