import { describe, expect, it } from 'vitest';
import type { Call, CpuProfile } from '../../bench/report/call-tree.mjs';
import { callTree } from '../../bench/report/call-tree.mjs';
import { drawFlameGraph } from '../../bench/report/flame-graph.mjs';

/** The address of a file of this repository. */
const SERVER = new URL('../../dist/server.js', import.meta.url).href;

describe('the calls of a profile', () => {
  it('have the samples of all that they called', () => {
    const root = callTree(profile());
    expect(root.samples).toBe(10);
    expect(outline(root)).toEqual(['serve 6', ' write 5', ' read 1', '(program) 1', '(idle) 3']);
    for (const call of all(root)) {
      expect(call.samples).toBe(call.self + sum(call.children.map(({ samples }) => samples)));
    }
  });

  it('are one for each function on the same stack', () => {
    const names = callTree(profile()).children.map(({ name }) => name);
    expect(names.filter((name) => name === 'serve')).toHaveLength(1);
  });

  it('tell where they are, without what differs from machine to machine', () => {
    const places = all(callTree(profile())).map(({ name, place }) => `${name} ${place}`);
    expect(places).toContain('serve dist/server.js:10');
    expect(places).toContain('read elsewhere.js:1');
    expect(places).toContain('write node:net:100');
  });

  it('refuse a profile with a hole', () => {
    const holes = { ...profile(), nodes: [node(1, '(root)', '', -1, [99])] };
    expect(() => callTree(holes)).toThrow('no node 99');
  });
});

describe('a flame graph', () => {
  it('is the same for the same profile', () => {
    expect(drawFlameGraph('example', profile())).toBe(drawFlameGraph('example', profile()));
  });

  it('says how many samples each call has of those in which something ran', () => {
    const titles = titlesOf(drawFlameGraph('example', profile()));
    expect(titles.slice(0, -2)).toEqual([
      'what ran: 7 of 7 samples, 100.0 %',
      'serve dist/server.js:10: 6 of 7 samples, 85.7 %',
      '(program): 1 of 7 samples, 14.3 %',
      'write node:net:100: 5 of 7 samples, 71.4 %',
      'read elsewhere.js:1: 1 of 7 samples, 14.3 %',
    ]);
  });

  it('says how long nothing ran', () => {
    const titles = titlesOf(drawFlameGraph('example', profile()));
    expect(titles.slice(-2)).toEqual([
      'what ran: 7 of 10 samples, 70.0 %',
      '(idle): 3 of 10 samples, 30.0 %',
    ]);
  });

  it('leaves out what is too narrow to be seen', () => {
    const samples = [...Array<number>(2000).fill(2), 5];
    const svg = drawFlameGraph('example', { ...profile(), samples });
    expect(svg).toContain('serve');
    expect(svg).not.toContain('write');
  });

  it('is not deeper than can be read', () => {
    const nodes = Array.from({ length: 5000 }, (_, id) =>
      node(id, `f${id}`, '', 0, id < 4999 ? [id + 1] : []),
    );
    const svg = drawFlameGraph('example', { ...profile(), nodes, samples: [4999] });
    expect(titlesOf(svg)).toHaveLength(49 + 1);
  });

  it('has names with what XML has a meaning for', () => {
    const nodes = [node(1, '(root)', '', -1, [2]), node(2, '<a & b>', '', 0)];
    const svg = drawFlameGraph('example', { ...profile(), nodes, samples: [2] });
    expect(titlesOf(svg)).toContain('&lt;a &amp; b&gt;: 1 of 1 samples, 100.0 %');
  });

  it('can be drawn of nothing', () => {
    expect(drawFlameGraph('example', { ...profile(), samples: [] })).toContain('</svg>');
  });
});

/** Ten samples; V8 tells two of the calls of `serve` apart. */
function profile(): CpuProfile {
  return {
    nodes: [
      node(1, '(root)', '', -1, [2, 3, 4, 7]),
      node(2, 'serve', SERVER, 9, [5]),
      node(3, 'serve', SERVER, 9, [6, 8]),
      node(4, '(idle)', '', -1),
      node(5, 'write', 'node:net', 99),
      node(6, 'write', 'node:net', 99),
      node(7, '(program)', '', -1),
      node(8, 'read', 'file:///elsewhere.js', 0),
    ],
    samples: [4, 5, 5, 6, 4, 6, 7, 5, 4, 8],
    startTime: 0,
    endTime: 1_000_000,
  };
}

function node(
  id: number,
  functionName: string,
  url: string,
  lineNumber: number,
  children: number[] = [],
): CpuProfile['nodes'][number] {
  return { id, callFrame: { functionName, url, lineNumber }, children };
}

function all(root: Call): Call[] {
  return [root, ...root.children.flatMap(all)];
}

/** What a call called, indented by how deep it is. */
function outline(call: Call, indent = ''): string[] {
  return call.children.flatMap((child) => [
    `${indent}${child.name} ${child.samples}`,
    ...outline(child, `${indent} `),
  ]);
}

function titlesOf(svg: string): string[] {
  return [...svg.matchAll(/<title>(.*?)<\/title>/g)].map(([, title = '']) => title);
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
