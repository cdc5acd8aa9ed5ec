/** What stands for a secret. */
const REDACTED = '[redacted]';

/** Most lines have none of these, and are looked at no further. */
const HINT = /authorization|cookie|bearer|rlt1\.|eyJ|private key|:\/\//i;

/** A character of a text that is no space, in a line of JSON or by itself. */
const CHARACTER = String.raw`(?:[^\s"\\]|\\\\|\\u[\da-f]{4})`;

/** A character of a line, in a line of JSON or by itself. */
const OF_LINE = String.raw`(?:[^"\\\r\n]|\\[^"rn])`;

/** A quote within a text, however often that was put into JSON: an even number of backslashes ends it. */
const QUOTE = String.raw`(?:\\(?:\\\\)*"|')`;

/** The name of a header whose value is a secret, or ends in one. */
const HEADER = '(?:authorization|cookie)';

/**
 * Secrets, each with what comes before it. All are looked for in one pass, which takes time in
 * proportion to the text: none of these is tried in more than one way.
 */
const SECRET = new RegExp(
  [
    // A member of JSON, or two elements of an array: all of the text is one.
    String.raw`(${HEADER}"\s?[:,]\s?\[?")(?:[^"\\]|\\[^])*`,
    // A header in a text: so is the rest of its line.
    String.raw`(${HEADER}${QUOTE}?\s?[:=,]\s?(?:\[?\s?${QUOTE})?)${OF_LINE}+`,
    String.raw`(bearer(?:[ \t+]|\\+t|%20)+)${CHARACTER}+`,
    // One that was cut off has no end.
    String.raw`-----BEGIN [A-Z\d ]{0,40}PRIVATE KEY-----(?:[^"\\-]|\\[^]|-(?!----END))*(?:-----END [A-Z\d ]{0,40}-----)?`,
    String.raw`rlt1\.[\w.~-]+`,
    String.raw`(eyJ[\w-]*(?:\.[\w-]*)*)`,
    String.raw`:\/\/([^\s"\\/?#@]*(?:@[^\s"\\/?#@]*)*@)?([^\s"\\?#]*)([?#]${CHARACTER}*)?`,
  ].join('|'),
  'gi',
);

/** A host whose port is no number: rather a password, in a URL that is not written as it has to be. */
const ODD_PORT = /^[^/[:]*:(?!\d{1,5}(?:\D|$))/;

/**
 * Takes secrets out of a text: headers `authorization` and cookies, bearers' tokens, our own, JWTs,
 * private keys in PEM, and users, passwords and queries of URLs. The text may be a line of JSON,
 * which stays one.
 */
export function redact(text: string): string {
  return HINT.test(text) ? text.replace(SECRET, replaced) : text;
}

/** Its parameters are the groups of {@link SECRET}, since to name them takes as long as all else. */
function replaced(
  _found: string,
  member?: string,
  header?: string,
  scheme?: string,
  jwt?: string,
  user?: string,
  place?: string,
  query?: string,
): string {
  if (jwt !== undefined) return withoutJwt(jwt);
  if (place !== undefined) return `://${withoutSecrets(place, user, query)}`;
  return `${member ?? header ?? scheme ?? ''}${REDACTED}`;
}

/** `found` begins as a JWT does, in any case. */
function withoutJwt(found: string): string {
  const begin = found.indexOf('eyJ');
  // What ends before its claims, or has another case, is something else.
  if (begin < 0 || !found.includes('.', begin)) return found;
  return found.slice(0, begin) + REDACTED;
}

function withoutSecrets(place: string, user: string | undefined, query: string | undefined) {
  const host = ODD_PORT.test(place) ? REDACTED : place;
  return `${user === undefined ? '' : `${REDACTED}@`}${host}${query === undefined ? '' : `?${REDACTED}`}`;
}
