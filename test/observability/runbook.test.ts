import { describe, expect, it } from 'vitest';
import { ALERTS } from './deployed.ts';
import { alertSections } from './runbook.ts';

const SECTIONS = alertSections();

/** What each section says, in this order. */
const PARTS = ['**Means.**', '**Users see.**', '**Look.**', '**Do.**', '**Do not**'];

describe('the runbook', () => {
  it('has a section for each alert, in their order, and for nothing else', () => {
    expect(SECTIONS.map(({ alert }) => alert)).toEqual(ALERTS.map(({ alert }) => alert));
  });

  it.each(ALERTS)('is where $alert links to', ({ alert, annotations }) => {
    const section = SECTIONS.find((one) => one.alert === alert);
    expect(annotations['runbook_url']?.split('#')[1]).toBe(section?.anchor);
  });

  it.each(SECTIONS)('says of $alert what it means, and what to do', ({ text }) => {
    const at = PARTS.map((part) => text.indexOf(`\n${part} `));
    expect(at.every((index) => index > 0)).toBe(true);
    expect([...at].sort((a, b) => a - b)).toEqual(at);
    expect(text).toMatch(/^```(?:promql|sh)$/m);
  });
});
