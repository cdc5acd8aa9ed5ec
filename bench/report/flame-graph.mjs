// @ts-check
import { callTree, IDLE } from './call-tree.mjs';
import { FONT, INK, MUTED } from './look.mjs';

/** @import { Call, CpuProfile } from './call-tree.mjs' */

const WIDTH = 1200;
const MARGIN = 12;
const INNER_WIDTH = WIDTH - 2 * MARGIN;
const FRAME_HEIGHT = 17;
const HEAD_HEIGHT = 66;
/** Between the frames and the bar below. */
const GAP = 8;
const FONT_SIZE = 11;
/** Of a letter, in pixels: a wide font's, so that texts stay in their frames. */
const LETTER_WIDTH = 6.8;
const TEXT_PADDING = 3;
const MIN_LETTERS = 3;

/** Calls that are deeper are not drawn. */
const MAX_DEPTH = 48;
/** Nor are those with a smaller share of all samples. */
const MIN_SHARE = 0.001;

/** What all calls are from. */
const ROOT = 'what ran';
const ROOT_COLOR = '#c8d1da';

/** @type {readonly { name: string, color: string, has: (call: Call) => boolean }[]} */
const KINDS = [
  { name: 'idle', color: '#e1e4e8', has: ({ name }) => name === IDLE },
  {
    name: 'garbage collector',
    color: '#f4a582',
    has: ({ name }) => name === '(garbage collector)',
  },
  { name: 'runlet', color: '#8fd3b6', has: ({ place }) => /^(bench|dist)\//.test(place) },
  { name: 'packages', color: '#9ecbee', has: ({ place }) => place.startsWith('node_modules/') },
  { name: 'Node.js', color: '#f6d58b', has: ({ place }) => place.startsWith('node:') },
  { name: 'engine and system', color: '#d9c6e0', has: () => true },
];

/**
 * A call, and where it is drawn.
 *
 * @typedef {object} Frame
 * @property {Call} call
 * @property {number} depth 0 for what all calls are from
 * @property {number} start in samples from the left
 */

/**
 * Draws a CPU profile: each call on top of its caller, as wide as its share of the
 * samples. What is on top ran. Idleness has a bar of its own below, or it would leave
 * little room for the rest.
 *
 * @param {string} title
 * @param {CpuProfile} profile
 * @returns {string} an SVG; the same for the same profile
 */
export function drawFlameGraph(title, profile) {
  const all = callTree(profile);
  const root = withoutIdleness(all);
  const frames = framesOf(root);
  const levels = 1 + Math.max(...frames.map(({ depth }) => depth));
  const bottom = HEAD_HEIGHT + levels * FRAME_HEIGHT;
  const height = bottom + GAP + FRAME_HEIGHT + MARGIN;
  const seconds = (profile.endTime - profile.startTime) / 1e6;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="${FONT}" font-size="${FONT_SIZE}" fill="${INK}">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN}" y="22" font-size="14" font-weight="bold">${escapeXml(title)}</text>`,
    `<text x="${MARGIN}" y="39" fill="${MUTED}">${seconds.toFixed(1)} s. A frame stands on its caller, and is as wide as its share of the samples in which something ran. The bar below has all samples.</text>`,
    ...legend(),
    ...frames.map(({ depth, ...frame }) =>
      drawFrame(frame, root.samples, bottom - (depth + 1) * FRAME_HEIGHT),
    ),
    ...idleness(all, root).map((frame) => drawFrame(frame, all.samples, bottom + GAP)),
    '</svg>\n',
  ].join('\n');
}

/**
 * @param {Call} all
 * @returns {Call}
 */
function withoutIdleness(all) {
  const children = all.children.filter(({ name }) => name !== IDLE);
  const samples = children.reduce((sum, child) => sum + child.samples, all.self);
  return { ...all, name: ROOT, samples, children };
}

/**
 * @param {Call} all
 * @param {Call} busy
 * @returns {Omit<Frame, 'depth'>[]}
 */
function idleness(all, busy) {
  const idle = all.children.find(({ name }) => name === IDLE);
  return [
    { call: busy, start: 0 },
    ...(idle === undefined ? [] : [{ call: idle, start: busy.samples }]),
  ];
}

/**
 * @param {Call} root
 * @returns {Frame[]} those that are drawn, callers before whom they call
 */
function framesOf(root) {
  const least = root.samples * MIN_SHARE;
  /** @type {Frame[]} */
  const frames = [{ call: root, depth: 0, start: 0 }];
  for (const { call, depth, start } of frames) {
    let left = start;
    for (const child of depth < MAX_DEPTH ? call.children : []) {
      if (child.samples >= least && child.samples > 0) {
        frames.push({ call: child, depth: depth + 1, start: left });
      }
      left += child.samples;
    }
  }
  return frames;
}

function legend() {
  let x = MARGIN;
  return KINDS.map(({ name, color }) => {
    const entry = `<rect x="${x}" y="46" width="10" height="10" fill="${color}"/><text x="${x + 14}" y="55">${name}</text>`;
    x += 14 + name.length * LETTER_WIDTH + 14;
    return entry;
  });
}

/**
 * @param {Omit<Frame, 'depth'>} frame
 * @param {number} total
 * @param {number} y
 */
function drawFrame({ call, start }, total, y) {
  const scale = INNER_WIDTH / Math.max(total, 1);
  const [x, width] = [MARGIN + start * scale, call.samples * scale];
  const label = [call.name, call.place].filter(Boolean).join(' ');
  const share = ((100 * call.samples) / Math.max(total, 1)).toFixed(1);
  const color = call.name === ROOT ? ROOT_COLOR : KINDS.find(({ has }) => has(call))?.color;
  const text = cut(label, Math.floor((width - 2 * TEXT_PADDING) / LETTER_WIDTH));
  return [
    `<g><title>${escapeXml(label)}: ${call.samples} of ${total} samples, ${share} %</title>`,
    `<rect x="${x.toFixed(2)}" y="${y}" width="${width.toFixed(2)}" height="${FRAME_HEIGHT}" fill="${color}" stroke="#ffffff" stroke-width="0.5"/>`,
    text && `<text x="${(x + TEXT_PADDING).toFixed(2)}" y="${y + 12.5}">${escapeXml(text)}</text>`,
    '</g>',
  ].join('');
}

/**
 * @param {string} text
 * @param {number} letters how many there is room for
 */
function cut(text, letters) {
  if (text.length <= letters) return text;
  return letters < MIN_LETTERS ? '' : `${text.slice(0, letters - 1)}…`;
}

/** @param {string} text */
function escapeXml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
