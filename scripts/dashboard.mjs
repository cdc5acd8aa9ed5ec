// @ts-check
/**
 * Writes the dashboard of Grafana in deploy/observability/ from the tables in scripts/dashboard/:
 *
 *     node scripts/dashboard.mjs           writes it
 *     node scripts/dashboard.mjs --check   fails if it is not what would be written
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dashboard } from './dashboard/dashboard.mjs';

const FILE = fileURLToPath(new URL('../deploy/observability/grafana/runlet.json', import.meta.url));

const text = `${JSON.stringify(dashboard(), null, 2)}\n`;
if (!process.argv.includes('--check')) {
  writeFileSync(FILE, text);
} else if (readFileSync(FILE, 'utf8') !== text) {
  process.stderr.write(`${FILE} is not current: run \`npm run dashboard\`\n`);
  process.exitCode = 1;
}
