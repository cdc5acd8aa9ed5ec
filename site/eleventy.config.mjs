// Builds the site: see `npm run site`. Its sources are the documents as they are, so they are
// given to Eleventy as virtual templates, with nothing in them interpreted but Markdown.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import markdownIt from 'markdown-it';
import { documents, sectionsOf } from './markdown.mjs';
import { between, DOCUMENTS, navigation, pageOf, read } from './pages.mjs';

const COPIED = {
  assets: 'assets',
  'node_modules/minisearch/dist/umd/index.js': 'assets/minisearch.js',
  'node_modules/minisearch/LICENSE.txt': 'assets/minisearch-license.txt',
  '../docs/images': 'docs/images',
  '../docs/benchmarks': 'docs/benchmarks',
  '../docs/load': 'docs/load',
};

export default function configure(eleventy) {
  const md = markdownIt({ html: true }).use(documents);
  const pages = DOCUMENTS.map((document) => {
    const sections = sectionsOf(md, document, read(document));
    return { document, url: pageOf(document), title: sections[0].heading, sections };
  });
  const byDocument = new Map(pages.map((page) => [page.document, page]));
  const groups = navigation().map(({ documents: names, name }) => {
    return { name, pages: names.map((document) => byDocument.get(document)) };
  });

  eleventy.setLibrary('md', { render: (text, { document }) => md.render(text, { document }) });
  eleventy.addFilter('from', between);
  eleventy.addGlobalData('groups', groups);
  eleventy.addGlobalData('layout', 'page.njk');
  for (const { document, sections, title, url } of pages) {
    const contents = sections.filter(({ level }) => level === 2);
    const data = { document, contents, permalink: url, title };
    eleventy.addTemplate(document.replaceAll('/', '+'), read(document), data);
  }
  eleventy.addPassthroughCopy(COPIED);
  eleventy.on('eleventy.after', ({ directories }) => {
    const all = pages.flatMap(({ sections, title, url }) =>
      sections.map(({ anchor, heading, text }, i) => {
        return { id: i === 0 ? url : `${url}#${anchor}`, page: title, heading, text };
      }),
    );
    // A script and no JSON: pages that a browser opens as files may load those alone.
    writeFileSync(
      join(directories.output, 'assets/sections.js'),
      `SECTIONS = ${JSON.stringify(all)}`,
    );
  });

  return {
    dir: { input: '.', output: 'build' },
    markdownTemplateEngine: false,
    templateFormats: ['md', 'njk'],
  };
}
