import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/** Characters of a name (RFC 1034) and of its rest, which IDNA reads; `_` is common. */
const PLAIN = /^[\w.\-\u0080-\u{10ffff}]+$/u;

/** RFC 1035, 2.3.4: octets of a label, and of a name without its last dot. */
const MAX_LABEL = 63;
const MAX_NAME = 253;

/**
 * A host as it is compared and looked up: a name by IDNA, in lower case, without a trailing
 * dot; an address as Node.js takes it, whatever form of inet_aton(3) it was in (`0x7f.1`,
 * `2130706433`), for that is how the system would read it. Undefined: it is neither.
 */
export function canonicalHost(host: string): string | undefined {
  if (isIP(host) !== 0) return host;
  if (!PLAIN.test(host)) return undefined;
  const name = domainToASCII(host).replace(/\.$/, '');
  if (isIP(name) !== 0) return name;
  const labels = name.split('.');
  const fit = labels.every((label) => label !== '' && label.length <= MAX_LABEL);
  return fit && name.length <= MAX_NAME && PLAIN.test(name) ? name : undefined;
}
