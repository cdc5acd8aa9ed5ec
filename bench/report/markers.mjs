// @ts-check

const MARKER = /<!-- (\/?)bench:(\S+) -->/g;

/**
 * Puts text between markers, in place of what is there:
 *
 *     <!-- bench:NAME -->
 *     <!-- /bench:NAME -->
 *
 * @param {string} text
 * @param {ReadonlyMap<string, string>} blocks by name; what has none keeps what it has
 * @param {readonly string[]} known all names that there may be
 * @returns {string}
 * @throws Error if a marker has an unknown name, is not paired or is there twice, or if
 *   there is none for a block
 */
export function replaceBlocks(text, blocks, known) {
  const names = pairedNames(text);
  for (const name of names) {
    if (!known.includes(name)) throw new Error(`bench:${name} marks no part of the benchmark`);
  }
  let replaced = text;
  for (const [name, block] of blocks) {
    if (!names.includes(name)) throw new Error(`there is no marker bench:${name}`);
    const [open, close] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
    const before = replaced.slice(0, replaced.indexOf(open));
    const after = replaced.slice(replaced.indexOf(close));
    replaced = `${before}${open}\n\n${block}\n\n${after}`;
  }
  return replaced;
}

/**
 * @param {string} text
 * @returns {string[]} the names of its pairs of markers
 */
function pairedNames(text) {
  const markers = [...text.matchAll(MARKER)].map(([all, slash, name = '']) => ({
    all,
    ends: slash !== '',
    name,
  }));
  const opening = markers.filter(({ ends }) => !ends).map(({ name }) => name);
  for (const [index, { all, ends, name }] of markers.entries()) {
    const other = markers[ends ? index - 1 : index + 1];
    if (other?.name !== name || other.ends === ends) throw new Error(`${all} has no partner`);
  }
  const twice = opening.find((name, index) => opening.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`the marker bench:${twice} is there twice`);
  return opening;
}
