// Writes the list of checks into docs/conformance.md, from the built program:
//
//     node scripts/conformance-doc.mjs
//
// With --check it writes nothing, and fails if the list there is another.
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { AREAS, CHECKS } from '../dist/conformance/catalog.js';
import { REQUIREMENTS } from '../dist/conformance/check.js';

const FILE = new URL('../docs/conformance.md', import.meta.url);
const BEGIN = '<!-- checks: begin, made by scripts/conformance-doc.mjs -->';
const END = '<!-- checks: end -->';

const text = readFileSync(FILE, 'utf8');
const begin = text.indexOf(BEGIN);
const end = text.indexOf(END);
if (begin < 0 || end < begin) throw new Error('docs/conformance.md has no place for the checks');
const next = `${text.slice(0, begin + BEGIN.length)}\n\n${list()}\n${text.slice(end)}`;

if (!process.argv.includes('--check')) {
  writeFileSync(FILE, next);
} else if (next !== text) {
  process.stderr.write('docs/conformance.md is old: run node scripts/conformance-doc.mjs\n');
  process.exitCode = 1;
}

/** What is checked, a table for each area. */
function list() {
  const parts = AREAS.map(({ checks, title }) => `### ${title}\n\n${table(checks)}`);
  const needs = Object.entries(REQUIREMENTS).map(([name, what]) => `- \`${name}\`: ${what}.`);
  return [
    `There are ${CHECKS.length} checks. Some need what not every server has:\n`,
    `${needs.join('\n')}\n`,
    ...parts,
  ].join('\n');
}

function table(checks) {
  const rows = checks.map(({ clause, id, needs, title }) => [
    id,
    title.replaceAll('|', '\\|'),
    place(clause),
    [needs ?? []]
      .flat()
      .map((need) => `\`${need}\``)
      .join(', '),
  ]);
  return aligned([['id', 'what a server does', 'clause', 'needs'], ...rows]);
}

/** A clause, as a link where it is a place in a page. */
function place(clause) {
  if (!clause.startsWith('docs/')) return `\`${clause}\``;
  const [page = '', anchor = ''] = clause.slice('docs/'.length).split('#');
  const path = page === 'conformance.md' ? '' : page;
  return `[${page}](${path}#${anchor})`;
}

/** A table of Markdown whose columns are as wide as their widest cell. */
function aligned(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |\n`;
  const [head, ...body] = rows;
  return [head, widths.map((width) => '-'.repeat(width)), ...body].map(line).join('');
}
