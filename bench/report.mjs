// @ts-check
/**
 * Writes what was measured last into docs/benchmarks.md, and draws its charts:
 *
 *     npm run bench:report
 */
import { RESULTS_FOLDER } from './lib/results.mjs';
import { writeReport } from './report/report.mjs';

const parts = writeReport(RESULTS_FOLDER);
process.stdout.write(`docs/benchmarks.md: ${parts.join(', ') || 'there are no results'}\n`);
