/**
 * What a script is run with. All come from the environment that `k6 run -e NAME=VALUE`
 * sets; whatever is not set has the default below.
 */

/** HOST:PORT of a server without TLS, the loopback interface's unless it is said otherwise. */
export const ADDRESS = __ENV.RUNLET_ADDRESS || '127.0.0.1:50051';

/**
 * A whole number that a script is run with.
 *
 * @param {string} name of the variable
 * @param {number} fallback where it is not set
 * @returns {number}
 */
export function number(name, fallback) {
  return __ENV[name] === undefined ? fallback : Number(__ENV[name]);
}

/**
 * Options of a script in which each of `vus` does the same `iterations` times. It fails
 * unless every check is met, no call or stream fails, and every iteration gets to its end.
 *
 * @param {number} vus
 * @param {number} iterations of each
 * @returns {object}
 */
export function bounded(vus, iterations) {
  return {
    scenarios: {
      load: {
        executor: 'per-vu-iterations',
        vus,
        iterations,
        maxDuration: `${number('MAX_SECONDS', 60)}s`,
        gracefulStop: '5s',
      },
    },
    setupTimeout: '30s',
    teardownTimeout: '30s',
    summaryTrendStats: ['count', 'min', 'med', 'p(90)', 'p(95)', 'p(99)', 'max'],
    thresholds: {
      checks: ['rate==1'],
      runlet_errors: ['count==0'],
      runlet_done: [`count==${vus * iterations}`],
    },
  };
}
