// @ts-check

/**
 * A question to Prometheus. `SERVERS` in it stands for the labels of the servers that are looked at.
 *
 * @typedef {object} Query
 * @property {string} expr
 * @property {string} legend of each series, as Grafana has it
 * @property {boolean} [exemplars] whether traces are shown beside it. Default: they are not
 * @property {boolean} [isBound] whether it is what something else may be. Default: it is not
 */

/**
 * @typedef {object} Panel
 * @property {string} title
 * @property {string} description what it shows, and what to look for
 * @property {string} unit as Grafana names it
 * @property {readonly Query[]} queries
 * @property {'stat' | 'timeseries'} [type] default: `timeseries`
 * @property {boolean} [stacked] whether what it shows adds up. Default: it does not
 * @property {'green' | 'red'} [zero] of a `stat` of 0 or 1: what a 0 is. Default: it is another number
 * @property {boolean} [byName] of a `stat`: whether the legend is what is shown. Default: it is not
 */

/**
 * @typedef {object} Row
 * @property {string} title
 * @property {readonly Panel[]} panels
 */

/**
 * The rate of a counter, by some of its labels.
 *
 * @param {string} labels that are kept; empty: none
 * @param {string} series with its labels
 */
export function rate(labels, series) {
  const by = labels === '' ? '' : ` by (${labels})`;
  return `sum${by} (rate(${series}[$__rate_interval]))`;
}

/**
 * Quantiles of a histogram.
 *
 * @param {string} label that is kept
 * @param {string} buckets the series, with its labels
 * @returns {Query[]}
 */
export function quantiles(label, buckets) {
  return [0.5, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, ${rate(`le, ${label}`, buckets)})`,
    legend: `p${quantile * 100} {{${label}}}`,
    exemplars: true,
  }));
}
