// @ts-check
import { basename, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Of samples in which nothing ran. */
export const IDLE = '(idle)';

/**
 * What is used of a CPU profile as V8 writes it.
 *
 * @typedef {object} CpuProfile
 * @property {readonly ProfileNode[]} nodes the first is the root
 * @property {readonly number[]} samples ids of nodes
 * @property {number} startTime in microseconds
 * @property {number} endTime
 */

/**
 * @typedef {object} ProfileNode
 * @property {number} id
 * @property {{ functionName: string, url: string, lineNumber: number }} callFrame
 *   `lineNumber` starts at 0
 * @property {readonly number[]} [children] ids
 */

/**
 * A function as it was called from where it is in the tree.
 *
 * @typedef {object} Call
 * @property {string} name
 * @property {string} place its file, without what differs from machine to machine, and
 *   line; empty for what is of the engine
 * @property {number} samples in which it was on the stack
 * @property {number} self in which it was on top of it
 * @property {Call[]} children those with the most samples first, idleness last
 */

/**
 * Counts the samples of a profile by stack. Calls that V8 tells apart, although they are
 * of the same function from the same stack, are one.
 *
 * @param {CpuProfile} profile
 * @returns {Call} what all calls are from
 */
export function callTree({ nodes, samples }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const id of samples) counts.set(id, (counts.get(id) ?? 0) + 1);
  const root = { ...emptyCall('all', ''), self: counts.get(nodes[0]?.id ?? 0) ?? 0 };
  // Not by recursion: a profile may be deeper than the stack.
  const left = nodes.slice(0, 1).map((node) => ({ node, call: root }));
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    for (const id of next.node.children ?? []) {
      const node = byId.get(id);
      if (node === undefined) throw new Error(`the profile has no node ${id}`);
      const call = childOf(next.call, node.callFrame);
      call.self += counts.get(id) ?? 0;
      left.push({ node, call });
    }
  }
  sumUp(root);
  return root;
}

/**
 * @param {Call} parent
 * @param {ProfileNode['callFrame']} callFrame
 * @returns {Call} made if there is none
 */
function childOf(parent, callFrame) {
  const name = callFrame.functionName || '(anonymous)';
  const place = placeOf(callFrame);
  const known = parent.children.find((child) => child.name === name && child.place === place);
  if (known !== undefined) return known;
  const made = emptyCall(name, place);
  parent.children.push(made);
  return made;
}

/**
 * @param {string} name
 * @param {string} place
 * @returns {Call}
 */
function emptyCall(name, place) {
  return { name, place, samples: 0, self: 0, children: [] };
}

/** @param {ProfileNode['callFrame']} callFrame */
function placeOf({ url, lineNumber }) {
  if (url === '') return '';
  return `${url.startsWith('file:') ? shortPath(fileURLToPath(url)) : url}:${lineNumber + 1}`;
}

/** @param {string} path */
function shortPath(path) {
  const inside = relative(ROOT, path);
  return inside.startsWith('..') ? basename(path) : inside;
}

/**
 * Adds the samples of all children to those of their parents, and sorts them.
 *
 * @param {Call} root
 */
function sumUp(root) {
  const calls = [root];
  for (const call of calls) calls.push(...call.children);
  for (const call of calls.reverse()) {
    call.samples = call.children.reduce((sum, child) => sum + child.samples, call.self);
    call.children.sort(
      (a, b) =>
        Number(a.name === IDLE) - Number(b.name === IDLE) ||
        b.samples - a.samples ||
        compare(a.name, b.name) ||
        compare(a.place, b.place),
    );
  }
}

/**
 * @param {string} a
 * @param {string} b
 */
function compare(a, b) {
  return a < b ? -1 : Number(a > b);
}
