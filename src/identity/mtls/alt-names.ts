/** A name in the extension `subjectAltName` of a certificate: `URI` with `spiffe://x/y`. */
export interface AltName {
  /** As OpenSSL calls it: `URI`, `DNS`, `IP Address`, `email`. */
  readonly type: string;
  readonly value: string;
}

/** What stands between two names. */
const SEPARATOR = ', ';

/** A value that has special characters, a string of JSON: CVE-2021-44532. */
const QUOTED = /"(?:[^"\\]|\\.)*"/y;

/** A type; none has a colon or a quotation mark in it. */
const TYPE = /(?<type>[^:",]+):/y;

/** A value without special characters. A comma, a quotation mark or a backslash has it quoted. */
const PLAIN = /[^,"\\]*/y;

/**
 * Reads what `X509Certificate.subjectAltName` has, in the order of the certificate. It must not be
 * split at commas: a name may hold them, and whoever asks for a certificate could write names of
 * others into one of their own. So whatever does not read as Node.js writes it is refused.
 *
 * @throws Error if it cannot be read
 */
export function parseAltNames(text: string | undefined): readonly AltName[] {
  if (text === undefined || text === '') return [];
  const names: AltName[] = [];
  let at = 0;
  for (;;) {
    const type = matchAt(TYPE, text, at);
    if (type === undefined) throw unreadable();
    at += type.length;
    const quoted = matchAt(QUOTED, text, at);
    const plain = quoted ?? matchAt(PLAIN, text, at) ?? '';
    at += plain.length;
    names.push({ type: type.slice(0, -1), value: quoted === undefined ? plain : unquote(quoted) });
    if (at === text.length) return names;
    if (!text.startsWith(SEPARATOR, at)) throw unreadable();
    at += SEPARATOR.length;
  }
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    throw unreadable();
  }
}

function unreadable(): Error {
  return new Error('the names of the certificate cannot be read');
}
