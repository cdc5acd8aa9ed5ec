// Searches all sections of all pages, here in the browser.
/* global MiniSearch, SECTIONS */

const SHOWN = 30;
const AROUND = 120;

const field = document.querySelector('input[name=q]');
const found = document.querySelector('#found');
const results = document.querySelector('#results');

const index = new MiniSearch({
  fields: ['heading', 'page', 'text'],
  storeFields: ['heading', 'page', 'text'],
  searchOptions: { boost: { heading: 4, page: 2 }, combineWith: 'AND', prefix: true, fuzzy: 0.15 },
});
index.addAll(SECTIONS);

function show() {
  const query = field.value.trim();
  const hits = query === '' ? [] : index.search(query);
  results.replaceChildren(...hits.slice(0, SHOWN).map(item));
  if (query === '') found.textContent = 'Type into the field above.';
  else if (hits.length === 0) found.textContent = `Nothing was found for “${query}”.`;
  else found.textContent = `${hits.length} sections for “${query}”`;
  history.replaceState(
    null,
    '',
    query === '' ? location.pathname : `?q=${encodeURIComponent(query)}`,
  );
}

function item({ heading, id, page, terms, text }) {
  const link = Object.assign(document.createElement('a'), { href: id, textContent: heading });
  const where = Object.assign(document.createElement('small'), { textContent: page });
  const excerpt = Object.assign(document.createElement('p'), {
    textContent: excerptOf(text, terms),
  });
  const entry = document.createElement('li');
  entry.append(link, ' ', ...(page === heading ? [] : [where]), excerpt);
  return entry;
}

/** What stands around the first of the words that were found. */
function excerptOf(text, terms) {
  const lower = text.toLowerCase();
  const places = terms.map((term) => lower.indexOf(term)).filter((at) => at >= 0);
  const first = places.length === 0 ? 0 : Math.min(...places);
  // From the beginning of a word.
  const from = first <= AROUND ? 0 : text.lastIndexOf(' ', first - AROUND) + 1;
  const end = from + 2 * AROUND;
  return `${from > 0 ? '…' : ''}${text.slice(from, end).trim()}${end < text.length ? '…' : ''}`;
}

field.value = new URLSearchParams(location.search).get('q') ?? '';
field.form.addEventListener('submit', (event) => event.preventDefault());
field.addEventListener('input', show);
show();
field.focus();
