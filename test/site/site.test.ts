import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOCUMENTS, pageOf } from '../../site/pages.mjs';
import { type Browser, startBrowser } from './browser.ts';

const SITE = fileURLToPath(new URL('../../site/build', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
};

/** A small phone. */
const PHONE = { width: 360, height: 740, deviceScaleFactor: 1, mobile: true };

/** https://www.w3.org/TR/WCAG22/#contrast-minimum */
const CONTRAST = 4.5;
const SMALLEST_TEXT_PX = 13;

/** What `look.js` gives. */
interface Look {
  readonly title: string;
  readonly language: string;
  readonly headings: readonly string[];
  readonly landmarks: readonly string[];
  readonly links: readonly { readonly href: string; readonly text: string }[];
  readonly ids: readonly string[];
  readonly badImages: readonly string[];
  readonly tooWide: readonly string[];
  readonly width: number;
  readonly texts: readonly Text[];
}

interface Text {
  readonly what: string;
  readonly size: number;
  readonly contrast: number;
}

/** A page as it was found. */
interface Page {
  readonly faults: readonly string[];
  readonly requests: readonly string[];
  readonly light: Look;
  readonly dark: Look;
}

const server = createServer(async (request, response) => {
  const path = new URL(request.url ?? '', 'http://localhost').pathname;
  const content = await readFile(join(SITE, path)).catch(() => undefined);
  response.statusCode = content === undefined ? 404 : 200;
  response
    .setHeader('content-type', TYPES[extname(path)] ?? 'text/plain')
    .end(content ?? 'not found');
});
let origin: string;
let browser: Browser;
let lookAt: string;
/** All pages that a link leads to, by their addresses. */
const pages = new Map<string, Page>();

const look = async () => (await browser.evaluate(lookAt)) as Look;
const color = (value: 'dark' | 'light') =>
  browser.call('Emulation.setEmulatedMedia', {
    features: [{ name: 'prefers-color-scheme', value }],
  });

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  lookAt = await readFile(new URL('look.js', import.meta.url), 'utf8');
  browser = await startBrowser();
  await browser.call('Emulation.setDeviceMetricsOverride', PHONE);
  const left = [`${origin}/index.html`, `${origin}/search.html`];
  for (let url = left.pop(); url !== undefined; url = left.pop()) {
    if (pages.has(url)) continue;
    await color('light');
    const { faults, requests } = await browser.open(url);
    const light = await look();
    await color('dark');
    pages.set(url, { faults, requests, light, dark: await look() });
    left.push(
      ...light.links.map(({ href }) => withoutHash(href)).filter((u) => u.startsWith(origin)),
    );
  }
});

afterAll(async () => {
  await browser.close();
  server.close();
});

function withoutHash(url: string): string {
  return url.replace(/#.*/, '');
}

/** What a check finds on all pages, each with the page's path. */
function onAllPages(check: (page: Page, url: string) => readonly string[]): readonly string[] {
  return [...pages].flatMap(([url, page]) =>
    check(page, url).map((fault) => `${url.slice(origin.length)}: ${fault}`),
  );
}

describe('the site', () => {
  it('leads to all documents', () => {
    const paths = [...DOCUMENTS.map(pageOf), 'search.html'];
    expect([...pages.keys()].sort()).toEqual(paths.map((path) => `${origin}/${path}`).sort());
  });

  it('loads without a fault', () => {
    expect(onAllPages(({ faults }) => faults)).toEqual([]);
  });

  it('asks nobody else for anything', () => {
    expect(onAllPages((p) => p.requests.filter((url) => !url.startsWith(origin)))).toEqual([]);
  });

  it('has no broken link and none without a text', () => {
    const broken = onAllPages(({ light }) =>
      light.links.flatMap(({ href, text }) => {
        if (text === '') return [`${href} has no text`];
        if (!href.startsWith(origin)) return href.startsWith('https://') ? [] : [href];
        const anchor = decodeURIComponent(new URL(href).hash.slice(1));
        const there = pages.get(withoutHash(href))?.light.ids ?? [];
        return anchor === '' || there.includes(anchor) ? [] : [href];
      }),
    );
    expect(broken).toEqual([]);
  });

  it('names each page, its language and its parts', () => {
    const titles = [...pages.values()].map(({ light }) => light.title);
    expect(new Set(titles).size).toBe(pages.size);
    for (const { light } of pages.values()) {
      expect(light).toMatchObject({ language: 'en', landmarks: ['header', 'main', 'nav'] });
      expect(light.headings).toEqual([light.title.replace(' · runlet', '')]);
      expect(light.ids).toEqual([...new Set(light.ids)]);
    }
  });

  it('shows its images, and says what is on them', () => {
    expect(onAllPages(({ light }) => light.badImages)).toEqual([]);
  });

  it('fits on a phone', () => {
    expect(onAllPages(({ light }) => light.tooWide)).toEqual([]);
    for (const { light } of pages.values()) expect(light.width).toBe(PHONE.width);
  });

  it('is readable, by day and by night', () => {
    const unreadable = onAllPages(({ dark, light }) =>
      [...light.texts, ...dark.texts]
        .filter(({ contrast, size }) => contrast < CONTRAST || size < SMALLEST_TEXT_PX)
        .map(({ contrast, what }) => `${what}, contrast ${contrast.toFixed(2)}`),
    );
    expect(unreadable).toEqual([]);
    const grounds = [...pages.values()].map(
      ({ dark, light }) => dark.texts[0]?.what !== light.texts[0]?.what,
    );
    expect(grounds).not.toContain(false);
  });
});

describe('its search', () => {
  /** The first results for words, from where the pages are: a server or a folder. */
  async function search(from: string, words: string): Promise<unknown> {
    const { faults } = await browser.open(`${from}/search.html?q=${encodeURIComponent(words)}`);
    expect(faults).toEqual([]);
    return browser.evaluate(`[...document.querySelectorAll('#results a')].map((a) => a.href)`);
  }

  it.each([
    ['of a heading', 'Known limits', 'docs/limits.html'],
    ['of a text, however it goes on', 'reconnect-for attach', 'docs/cli.html#runlet-attach'],
    ['with a mistake', 'retenton of output', 'docs/serving.html#what-is-kept-of-output'],
    ['of code', 'RunletClientTransport', 'docs/mcp.html'],
  ])('finds words %s', async (_, words, path) => {
    const found = await search(origin, words);
    expect(found).toContainEqual(expect.stringContaining(path));
  });

  it('works from a folder without a server', async () => {
    const from = pathToFileURL(SITE).href;
    expect(await search(from, 'Known limits')).toContain(`${from}/docs/limits.html`);
  });

  it('shows what it finds as one types', async () => {
    expect(await search(origin, '')).toEqual([]);
    await browser.call('Input.insertText', { text: 'xyzzyplugh' });
    expect(await browser.evaluate(`document.querySelector('#found').textContent`)).toBe(
      'Nothing was found for “xyzzyplugh”.',
    );
  });

  it('leads to sections that are there', async () => {
    const found = (await search(origin, 'session')) as readonly string[];
    expect(found.length).toBeGreaterThan(10);
    for (const href of found) {
      const anchor = decodeURIComponent(new URL(href).hash.slice(1));
      expect(['', ...(pages.get(withoutHash(href))?.light.ids ?? [])]).toContain(anchor);
    }
  });

  it('is reached from every page', async () => {
    await browser.open(`${origin}/docs/run.html`);
    const form = `document.querySelector('form[role=search]')`;
    expect(await browser.evaluate(`${form}.action`)).toBe(`${origin}/search.html`);
    expect(await browser.evaluate(`${form}.elements.q.name`)).toBe('q');
  });
});
