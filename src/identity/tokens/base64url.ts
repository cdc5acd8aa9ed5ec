/** Bytes of a key and of a seed of Ed25519: RFC 8032, section 5.1.5. */
export const KEY_BYTES = 32;

/**
 * What a text stands for in base64url without padding (RFC 4648, section 5); undefined: it is
 * none, or not the only one of these bytes. Node.js takes others, too, and one token would have
 * many forms.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

/** The 32 bytes that a text stands for; undefined: it stands for none. */
export function decodeKey(text: string): Buffer | undefined {
  const bytes = decodeBase64url(text);
  return bytes?.length === KEY_BYTES ? bytes : undefined;
}
