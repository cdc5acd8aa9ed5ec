// @ts-check
/**
 * Looks at every link of every Markdown file: whether the file, the folder or the image is
 * there, and the heading too.
 *
 *     node scripts/check-links.mjs [FOLDER]
 *
 * Links to the web are only looked at for their form, since nothing here needs a network. Where
 * there is a docs/README.md, it is the index of that folder, and has to lead to every page in it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { headingAnchors } from './heading-anchors.mjs';

const folder = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));

const INDEX = 'docs/README.md';

/** `[text](target)` and `![text](target)`, with a title or not; a text may hold an image. */
const INLINE =
  /\[(?:[^[\]]|!?\[[^[\]]*\](?:\([^()]*\))?)*\]\(\s*(<[^<>\n]*>|[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/g;
const IMAGE = /!\[[^[\]]*\]\(\s*(<[^<>\n]*>|[^\s()]*)(?:\s+"[^"]*")?\s*\)/g;
/** `[label]: target` at the beginning of a line, and `[text][label]`, which needs one. */
const DEFINITION = /^ {0,3}\[([^[\]]+)\]:\s*(<[^<>\n]*>|\S+)/gm;
const REFERENCE = /\[[^[\]]+\]\[([^[\]]+)\]/g;
const AUTOLINK = /<([a-z][a-z0-9+.-]*:[^<>\s]*)>/gi;
const HTML = /<(?:a|img|source)\b[^>]*?\s(?:href|src|srcset)="([^"]*)"/gi;
const HTML_ANCHOR = /<[a-z][^>]*?\s(?:id|name)="([^"]+)"/gi;

const files = new Set(listFiles());
const pages = [...files].filter((name) => name.endsWith('.md')).sort();
/** @type {Map<string, Set<string>>} */
const anchors = new Map();

let links = 0;
/** @type {string[]} */
const faults = [];
/** @type {Set<string>} */
const indexed = new Set();

for (const page of pages) {
  const text = withoutCode(read(page));
  for (const { target, at } of targetsIn(text)) {
    links += 1;
    const fault = faultOf(page, target);
    if (fault !== undefined) faults.push(`${page}:${lineOf(text, at)}: ${target}: ${fault}`);
  }
  for (const { label, at } of undefinedLabels(text)) {
    faults.push(`${page}:${lineOf(text, at)}: [${label}]: no such label`);
  }
}
if (files.has(INDEX)) {
  for (const page of pages) {
    if (!page.startsWith('docs/') || page === INDEX || indexed.has(page)) continue;
    faults.push(`${INDEX}: does not lead to ${page}`);
  }
}
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
else process.stdout.write(`${links} links of ${pages.length} pages lead somewhere\n`);

/** What is in the repository or is about to be, without what git ignores. */
function listFiles() {
  if (existsSync(join(folder, '.git'))) {
    const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const listed = execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).split('\0');
    return listed.filter((name) => name !== '' && existsSync(join(folder, name)));
  }
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** @param {string} page */
function read(page) {
  return readFileSync(join(folder, page), 'utf8');
}

/**
 * The text with blanks where code and comments are, so that places in it stay what they are.
 *
 * @param {string} text
 */
function withoutCode(text) {
  const blank = (/** @type {string} */ code) => code.replace(/[^\n]/g, ' ');
  return text
    .replace(/^ {0,3}(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:^ {0,3}\1[`~]* *$|$(?![\s\S]))/gm, blank)
    .replace(/<!--[\s\S]*?-->/g, blank)
    .replace(/(?<!`)(`+)(?!`)((?:(?!\n\s*\n)[\s\S])*?[^`])\1(?!`)/g, blank);
}

/** @param {string} text */
function targetsIn(text) {
  return [INLINE, IMAGE, AUTOLINK, HTML]
    .flatMap((pattern) => [...text.matchAll(pattern)])
    .map((found) => ({ target: found[1] ?? '', at: found.index }))
    .concat([...text.matchAll(DEFINITION)].map((f) => ({ target: f[2] ?? '', at: f.index })))
    .map(({ target, at }) => ({ target: target.replace(/^<(.*)>$/, '$1'), at }))
    .filter((link, i, all) => all.findIndex((l) => same(l, link)) === i);
}

/**
 * An image at the beginning of a link is found twice.
 *
 * @param {{ target: string, at: number }} a
 * @param {{ target: string, at: number }} b
 */
function same(a, b) {
  return a.target === b.target && Math.abs(a.at - b.at) <= 1;
}

/** @param {string} text */
function undefinedLabels(text) {
  const defined = [...text.matchAll(DEFINITION)].map(([, label = '']) => label.toLowerCase());
  return [...text.matchAll(REFERENCE)]
    .map((found) => ({ label: found[1] ?? '', at: found.index }))
    .filter(({ label }) => !defined.includes(label.toLowerCase()));
}

/**
 * What is wrong with a link, if anything is.
 *
 * @param {string} page
 * @param {string} target
 */
function faultOf(page, target) {
  if (target === '') return 'it is empty';
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return faultOfAddress(target);
  if (target.startsWith('/')) return 'an absolute path';
  const [encoded = '', anchor] = target.split('#', 2);
  /** @type {string} */
  let path;
  try {
    path = decodeURIComponent(encoded);
  } catch {
    return 'a wrong escape';
  }
  const file = path === '' ? page : posix.normalize(posix.join(posix.dirname(page), path));
  if (file.startsWith('..')) return 'outside of the repository';
  const name = file.replace(/\/$/, '');
  if (page === INDEX) indexed.add(name);
  const isFolder = name === '.' || [...files].some((other) => other.startsWith(`${name}/`));
  if (!files.has(name) && !isFolder) return 'no such file';
  if (anchor === undefined) return undefined;
  if (!name.endsWith('.md')) return /^L\d+(?:-L\d+)?$/.test(anchor) ? undefined : 'no such anchor';
  return anchorsOf(name).has(decodeURIComponent(anchor)) ? undefined : 'no such heading';
}

/** @param {string} target */
function faultOfAddress(target) {
  if (/^mailto:\S+@\S+$/i.test(target)) return undefined;
  if (!/^https?:\/\//i.test(target)) return 'not an address of the web';
  if (!URL.canParse(target) || /[\s<>"\\^`{|}]/.test(target)) return 'not a valid address';
  return /^[\w-]+(?:\.[\w-]+)+$/.test(new URL(target).hostname) ? undefined : 'not a public host';
}

/**
 * The anchors that GitHub gives to the headings of a page.
 *
 * @param {string} page
 */
function anchorsOf(page) {
  const known = anchors.get(page);
  if (known !== undefined) return known;
  const text = read(page);
  const plain = withoutCode(text);
  /** @type {Set<string>} */
  const found = new Set([...plain.matchAll(HTML_ANCHOR)].map(([, name = '']) => name));
  const anchorOf = headingAnchors();
  const lines = text.split('\n');
  plain.split('\n').forEach((line, i) => {
    if (!/^ {0,3}#{1,6}\s/.test(line)) return;
    found.add(anchorOf((lines[i] ?? '').replace(/^\s*#+\s+/, '').replace(/\s+#+\s*$/, '')));
  });
  anchors.set(page, found);
  return found;
}

/**
 * @param {string} text
 * @param {number} at
 */
function lineOf(text, at) {
  return text.slice(0, at).split('\n').length;
}
