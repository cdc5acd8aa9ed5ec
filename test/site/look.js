// What a person would see of a page, as an expression that the page's browser evaluates.
(() => {
  /** Red, green, blue and opacity of a color as computed styles have it. */
  const channels = (color) => {
    const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  /** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
  const luminance = (color) => {
    const [r, g, b] = channels(color).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  const groundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (channels(backgroundColor)[3] === 1) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };

  const texts = [...document.body.querySelectorAll('*')].filter((element) => {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== '');
    return own && element.checkVisibility() && !['SCRIPT', 'STYLE'].includes(element.tagName);
  });
  const styles = new Map();
  for (const element of texts) {
    const { color, fontSize } = getComputedStyle(element);
    const key = `${color} on ${groundOf(element)} at ${fontSize}`;
    if (!styles.has(key)) {
      styles.set(key, {
        what: `${element.tagName} "${element.textContent.trim().slice(0, 20)}": ${key}`,
        size: Number.parseFloat(fontSize),
        contrast: contrast(color, groundOf(element)),
      });
    }
  }
  const width = document.documentElement.clientWidth;
  return {
    title: document.title,
    language: document.documentElement.lang,
    headings: [...document.querySelectorAll('h1')].map((h1) => h1.textContent),
    landmarks: ['header', 'main', 'nav'].filter(
      (name) => document.querySelectorAll(name).length === 1,
    ),
    links: [...document.links].map((link) => ({ href: link.href, text: link.textContent.trim() })),
    ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
    badImages: [...document.images]
      .filter(({ alt, complete, naturalWidth }) => alt === '' || !complete || naturalWidth === 0)
      .map(({ src }) => src),
    /** What is wider than the window, and does not scroll by itself. */
    tooWide:
      document.documentElement.scrollWidth <= width
        ? []
        : [...document.querySelectorAll('main *, nav *, header *')]
            .filter(
              (e) => e.getBoundingClientRect().right > width && e.closest('pre, .wide') === null,
            )
            .map((e) => e.outerHTML.slice(0, 100)),
    width: document.documentElement.scrollWidth,
    texts: [...styles.values()],
  };
})();
