/** Whether a pattern has a name. */
export type ClientNamePattern = (name: string) => boolean;

const SCHEME = 'spiffe://';

/** Stands at the end of a path for all that is below: one segment or more. */
const BELOW = '**';

const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;
const SEGMENT = /^[A-Za-z0-9._-]*\*?[A-Za-z0-9._-]*$/;
const LABEL = /^[a-z0-9_-]*\*?[a-z0-9_-]*$/;

/** Characters of a pattern at most: as many as a SPIFFE ID has. */
const MAX_LENGTH = 2048;

/**
 * Reads a pattern for the names of clients' certificates: `spiffe://TRUST-DOMAIN/PATH`, or
 * a DNS name.
 *
 * It matches whole names. A `*` is any run of characters, also none, within one segment of a path or one
 * label of a DNS name, which has one `*` at most; as a whole segment or label it is not empty.
 * `**` as the last segment of a path is one segment or more. The trust domain has no `*`: it says
 * whose names they are. Everything else stands for itself, without regard to case in DNS names.
 *
 * @throws Error that says what is wrong with it
 */
export function clientNamePattern(text: string): ClientNamePattern {
  if (text.length > MAX_LENGTH) throw new Error(`it is longer than ${MAX_LENGTH} characters`);
  return text.startsWith(SCHEME) ? spiffePattern(text.slice(SCHEME.length)) : dnsPattern(text);
}

function spiffePattern(text: string): ClientNamePattern {
  const [domain = '', ...path] = text.split('/');
  if (!TRUST_DOMAIN.test(domain)) throw new Error('its trust domain is not a name in lower case');
  const isOpen = path.at(-1) === BELOW;
  const fixed = isOpen ? path.slice(0, -1) : path;
  if (path.length === 0) throw new Error('it has no path: end it with /** for all of them');
  if (fixed.some((segment) => segment === '' || !SEGMENT.test(segment))) {
    throw new Error(
      'a segment of its path has letters, digits, dots, dashes, underscores and one * at most, and ** is the last one alone',
    );
  }
  const segments = fixed.map(partPattern);
  return (name) => {
    if (!name.startsWith(`${SCHEME}${domain}/`)) return false;
    const given = name.slice(SCHEME.length + domain.length + 1).split('/');
    const fits = isOpen ? given.length > segments.length : given.length === segments.length;
    return fits && segments.every((segment, i) => segment(given[i] ?? ''));
  };
}

function dnsPattern(text: string): ClientNamePattern {
  const labels = text.toLowerCase().split('.');
  if (labels.some((label) => label === '' || !LABEL.test(label))) {
    throw new Error(
      'it is neither spiffe://TRUST-DOMAIN/PATH nor a DNS name, with one * at most in a part',
    );
  }
  const parts = labels.map(partPattern);
  return (name) => {
    if (name.startsWith(SCHEME)) return false;
    const given = name.split('.');
    return given.length === parts.length && parts.every((part, i) => part(given[i] ?? ''));
  };
}

/** A segment or a label, with one `*` at most: what is before it, and what is behind it. */
function partPattern(text: string): ClientNamePattern {
  const star = text.indexOf('*');
  if (star === -1) return (part) => part === text;
  const before = text.slice(0, star);
  const behind = text.slice(star + 1);
  const atLeast = Math.max(before.length + behind.length, 1);
  return (part) => part.length >= atLeast && part.startsWith(before) && part.endsWith(behind);
}
