// @ts-check

/** What drawings look like: on white, wherever they are shown. */
export const FONT = 'Helvetica, Arial, sans-serif';
export const FONT_SIZE = 12;
export const INK = '#24292f';
export const PALE = '#d8dee4';
export const MUTED = '#57606a';

/**
 * Of contenders, in their order: Okabe and Ito's colors, which differ for eyes that see
 * fewer of them.
 */
const COLORS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#999999'];

/** Of a letter, in shares of the size of the font: a wide font's, so that nothing is cut. */
const LETTER_WIDTH = 0.58;

/**
 * The color of a contender; variants of one, such as `runlet, idle`, have the same.
 *
 * @param {readonly { name: string }[]} contenders
 * @param {string} name
 * @returns {string}
 */
export function colorOf(contenders, name) {
  const index = contenders.findIndex(
    (one) => one.name === name || name.startsWith(`${one.name}, `),
  );
  return COLORS.at(index < 0 ? -1 : index % (COLORS.length - 1)) ?? INK;
}

/**
 * About how wide a text is.
 *
 * @param {string} text of one line
 * @param {number} [fontSize]
 * @returns {number} in pixels
 */
export function textWidth(text, fontSize = FONT_SIZE) {
  return text.length * fontSize * LETTER_WIDTH;
}

/**
 * Breaks a text between words.
 *
 * @param {string} text
 * @param {number} width in pixels; a word that is wider is not broken
 * @returns {string[]} lines
 */
export function wrap(text, width) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && textWidth(longer) <= width) lines.splice(-1, 1, longer);
    else lines.push(word);
  }
  return lines;
}
