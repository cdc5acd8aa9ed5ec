import { readFileSync } from 'node:fs';
import { headingAnchors } from '../../scripts/heading-anchors.mjs';

const TEXT = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');

/** A section of the runbook about an alert. */
export interface AlertSection {
  readonly alert: string;
  readonly anchor: string;
  readonly text: string;
}

/** The heading under which each alert has its section. */
const ALERTS_HEADING = /^## Alerts$/m;

/** All sections about alerts, in their order. */
export function alertSections(): readonly AlertSection[] {
  const anchorOf = headingAnchors();
  const start = TEXT.search(ALERTS_HEADING);
  let inCode = false;
  const sections: { alert: string; anchor: string; at: number; end: number }[] = [];
  let at = 0;
  for (const line of TEXT.split('\n')) {
    if (line.startsWith('```')) inCode = !inCode;
    const heading = inCode ? undefined : /^(#+) (.*)$/.exec(line);
    if (heading != null) {
      const [, level = '', title = ''] = heading;
      const anchor = anchorOf(title);
      const last = sections.at(-1);
      if (last !== undefined && last.end === 0) last.end = at;
      if (at > start && level === '###') sections.push({ alert: title, anchor, at, end: 0 });
      if (at > start && level === '##') break;
    }
    at += line.length + 1;
  }
  return sections.map(({ alert, anchor, at: from, end }) => ({
    alert,
    anchor,
    text: TEXT.slice(from, end === 0 ? undefined : end),
  }));
}

/** The queries that it shows, one a line. */
export function promqlBlocks(): readonly string[] {
  const blocks = [...TEXT.matchAll(/^```promql\n(.*?)^```$/gms)];
  return blocks.flatMap(([, block = '']) => block.split('\n').filter((line) => line !== ''));
}
