import { describe, expect, it } from 'vitest';
import { DASHBOARD, PANELS } from './deployed.ts';

/** Where the data come from: whoever looks says it. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana puts it in.
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

describe('the dashboard', () => {
  it('has variables for where data come from, the job and the server', () => {
    const names = DASHBOARD.templating.list.map(({ name }) => name);
    expect(names).toEqual(['datasource', 'job', 'instance', 'method']);
    expect(DASHBOARD.uid).toBe('runlet');
  });

  it.each(PANELS.map((panel) => [panel.title, panel] as const))('tells of %s', (title, panel) => {
    expect(title).toMatch(/^[A-Z]/);
    expect(panel.description).toMatch(/^[A-Z].{20,}\.$/);
    expect(panel.fieldConfig?.defaults.unit).toMatch(/^\w+$/);
    expect(panel.datasource).toEqual(DATASOURCE);
    expect(panel.targets?.length).toBeGreaterThan(0);
    for (const { datasource, expr, legendFormat } of panel.targets ?? []) {
      expect(datasource).toEqual(DATASOURCE);
      expect(expr).toContain('job="$job", instance=~"$instance"');
      expect(legendFormat).not.toBe('');
    }
  });

  it('has a place of its own for each panel, and a title that no other has', () => {
    const cells = DASHBOARD.panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: h * w }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(cells.every((cell) => Number(cell.split(',')[0]) < 24)).toBe(true);
    for (const key of ['id', 'title'] as const) {
      expect(new Set(DASHBOARD.panels.map((panel) => panel[key])).size).toBe(
        DASHBOARD.panels.length,
      );
    }
  });
});
