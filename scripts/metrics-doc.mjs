// @ts-check
/**
 * Writes the tables of docs/metrics.md from the series in src/telemetry/metrics/series.ts:
 *
 *     node scripts/metrics-doc.mjs           writes them
 *     node scripts/metrics-doc.mjs --check   fails if they are not what would be written
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const PAGE = fileURLToPath(new URL('../docs/metrics.md', import.meta.url));
const SOURCE = fileURLToPath(new URL('../src/telemetry/metrics/series.ts', import.meta.url));

const BEGIN = '<!-- series: begin, written by scripts/metrics-doc.mjs -->\n';
const END = '<!-- series: end -->\n';

const page = readFileSync(PAGE, 'utf8');
const before = page.slice(0, page.indexOf(BEGIN) + BEGIN.length);
const after = page.slice(page.indexOf(END));
const { SERIES } = await import(`data:text/javascript,${encodeURIComponent(await bundled())}`);
const text = `${before}\n${Object.values(SERIES).map(section).join('\n')}\n${after}`;
if (!process.argv.includes('--check')) {
  writeFileSync(PAGE, text);
} else if (page !== text) {
  process.stderr.write('docs/metrics.md is not current: run `npm run docs:metrics`\n');
  process.exitCode = 1;
}

/** The source with all that it imports. */
async function bundled() {
  const bundle = await rolldown({ input: SOURCE, platform: 'node' });
  const { output } = await bundle.generate({ format: 'esm' });
  return output[0].code;
}

/**
 * @param {{
 *   name: string, type: string, help: string, labels: Record<string, string>, buckets?: number[]
 * }} series
 */
function section({ buckets, help, labels, name, type }) {
  const rows = Object.entries(labels).map(([label, what]) => `- \`${label}\`: ${what}`);
  const bounds = buckets === undefined ? [] : [`Buckets up to ${buckets.join(', ')} seconds.`, ''];
  const list = rows.length === 0 ? [] : [...rows, ''];
  return [`### ${name}`, '', `A ${type}. ${help}`, '', ...list, ...bounds].join('\n');
}
