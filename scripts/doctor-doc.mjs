// @ts-check
/**
 * Writes what `runlet doctor` looks at into docs/doctor.md, from src/doctor/checks/. `dist/` has to be
 * built:
 *
 *     npm run build && node scripts/doctor-doc.mjs
 *
 * With `--check` it writes nothing and fails where the page is not up to date.
 *
 * @import { Check } from '../dist/doctor/check.js'
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CHECKS } from '../dist/doctor/checks.js';

const PAGE = fileURLToPath(new URL('../docs/doctor.md', import.meta.url));

const BEGIN = '<!-- checks: begin, written by scripts/doctor-doc.mjs -->\n';
const END = '<!-- checks: end -->\n';

/** @param {Check} check */
function section({ about, name, problems, required }) {
  /** @type {Map<string, Set<string>>} */
  const remedies = new Map();
  for (const { consequence, remedy } of Object.values(problems)) {
    const of = remedies.get(consequence) ?? new Set();
    remedies.set(consequence, of.add(remedy));
  }
  const all = [...remedies].flatMap(([consequence, of]) => [
    shown(consequence),
    '',
    ...[...of].map((remedy) => `- ${shown(remedy)}`),
    '',
  ]);
  const needed = required ? ' A server needs it.' : '';
  return [`### ${name}`, '', `Looks at ${about}.${needed}`, '', ...all].join('\n');
}

/** @param {string} text */
function shown(text) {
  return text.replace(/\{(\w+)\}/g, (_, name) => name.toUpperCase());
}

const page = readFileSync(PAGE, 'utf8');
const before = page.slice(0, page.indexOf(BEGIN) + BEGIN.length);
const after = page.slice(page.indexOf(END));
const text = `${before}\n${CHECKS.map(section).join('\n')}\n${after}`;
if (!process.argv.includes('--check')) {
  writeFileSync(PAGE, text);
} else if (page !== text) {
  process.stderr.write('docs/doctor.md is not current: run `node scripts/doctor-doc.mjs`\n');
  process.exitCode = 1;
}
