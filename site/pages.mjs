// The pages of the site: the documents that they are made of, and what links between those
// become.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The page whose tables are the navigation. */
const INDEX = 'docs/README.md';

/** Where files are shown that are no pages. */
const REPOSITORY = JSON.parse(read('package.json')).repository.url.replace(/^git\+|\.git$/g, '');

/** The documents, by their paths in the repository. */
export const DOCUMENTS = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(ROOT, 'clients')).map((name) => `clients/${name}/README.md`),
];

/** @param {string} path in the repository */
export function read(path) {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The path of the page that a document becomes, in the site. */
export function pageOf(document) {
  return document.replace(/README\.md$/, 'index.html').replace(/\.md$/, '.html');
}

/** The way from one page to another, or to another file of the site. */
export function between(page, other) {
  return posix.relative(posix.dirname(page), other) || posix.basename(other);
}

/** What a link or an image of a document leads to in the site. */
export function resolveLink(document, target) {
  if (/^[a-z][a-z0-9+.-]*:|^#/i.test(target)) return target;
  const [path, anchor] = target.split('#', 2);
  const file = posix.join(posix.dirname(document), path).replace(/\/$/, '');
  const hash = anchor === undefined ? '' : `#${anchor}`;
  const found = [file, posix.join(file, 'README.md')].find((name) => DOCUMENTS.includes(name));
  if (found !== undefined) return between(pageOf(document), pageOf(found)) + hash;
  if (file.endsWith('.svg')) return between(pageOf(document), file);
  const kind = statSync(join(ROOT, file)).isDirectory() ? 'tree' : 'blob';
  return `${REPOSITORY}/${kind}/main/${file}${hash}`;
}

/** The groups of pages, as the index of the documentation has them. */
export function navigation() {
  const groups = [{ name: 'Start', documents: ['README.md', INDEX] }];
  for (const line of read(INDEX).split('\n')) {
    const [, name] = /^## (.*)/.exec(line) ?? [];
    if (name !== undefined) groups.push({ name, documents: [] });
    const [, link] = /^\| \[.*?\]\((.*?)\)/.exec(line) ?? [];
    if (link !== undefined) groups.at(-1).documents.push(posix.join('docs', link));
  }
  const rest = DOCUMENTS.filter((name) => !groups.some((g) => g.documents.includes(name)));
  const clients = rest.filter((name) => name.startsWith('clients/'));
  if (clients.length < rest.length) throw new Error(`${INDEX} does not lead to ${rest}`);
  return [...groups, { name: 'Clients', documents: clients }];
}
