// @ts-check
/**
 * Gives the headings of a page the anchors that GitHub gives them. Call what it returns with
 * the Markdown of each heading in turn.
 *
 * @returns {(heading: string) => string}
 */
export function headingAnchors() {
  /** @type {Map<string, number>} */
  const counts = new Map();
  return (heading) => {
    const slug = slugOf(heading);
    let anchor = slug;
    for (let n = counts.get(slug) ?? 0; counts.has(anchor); ) {
      n += 1;
      counts.set(slug, n);
      anchor = `${slug}-${n}`;
    }
    counts.set(anchor, 0);
    return anchor;
  };
}

/**
 * Letters, digits, `_` and `-` stay, spaces become `-`, and all else goes.
 *
 * @param {string} heading
 */
function slugOf(heading) {
  return heading
    .replace(/!?\[([^[\]]*)\]\([^()]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-');
}
