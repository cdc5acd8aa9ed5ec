// What the site does to Markdown beside what Markdown is.
import { headingAnchors } from '../scripts/heading-anchors.mjs';
import { resolveLink } from './pages.mjs';

/**
 * Gives headings the anchors that they have on GitHub, has links lead to pages of the site, and
 * lets what is wide scroll by itself, by keyboard too. `env.document` is the path of what is
 * rendered.
 */
export function documents(md) {
  md.core.ruler.push('documents', ({ env, tokens }) => {
    const anchorOf = headingAnchors();
    tokens.forEach((token, i) => {
      if (token.type === 'heading_open') token.attrSet('id', anchorOf(tokens[i + 1].content));
      for (const inline of token.children ?? []) {
        const name = { image: 'src', link_open: 'href' }[inline.type];
        if (name === undefined) continue;
        inline.attrSet(name, resolveLink(env.document, inline.attrGet(name)));
      }
    });
  });
  md.renderer.rules.table_open = () =>
    '<div class="wide" role="region" aria-label="Table" tabindex="0"><table>\n';
  md.renderer.rules.table_close = () => '</table></div>\n';
  for (const name of ['fence', 'code_block']) {
    const render = md.renderer.rules[name];
    md.renderer.rules[name] = (...args) => render(...args).replace('<pre>', '<pre tabindex="0">');
  }
}

/**
 * The headings of a document, each with what stands below it as plain text.
 *
 * @returns {{ level: number, anchor: string, heading: string, text: string }[]}
 */
export function sectionsOf(md, document, text) {
  const sections = [];
  const tokens = md.parse(text, { document });
  for (const [i, token] of tokens.entries()) {
    if (token.type === 'heading_open') {
      const heading = plain(tokens[i + 1]);
      const level = Number(token.tag.slice(1));
      sections.push({ level, anchor: token.attrGet('id'), heading, text: '' });
    } else if (tokens[i - 1]?.type !== 'heading_open' && sections.length > 0) {
      const said = token.type === 'inline' ? plain(token) : token.type === 'fence' && token.content;
      if (said) sections.at(-1).text += `${said.trim()} `;
    }
  }
  return sections;
}

function plain({ children }) {
  return children
    .map(({ content, type }) => {
      if (type === 'text' || type === 'code_inline') return content;
      return type === 'softbreak' || type === 'hardbreak' ? ' ' : '';
    })
    .join('');
}
