import { randomBytes } from 'node:crypto';

/** Something that can be seen of a server, in which secrets are looked for. */
export interface Surface {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Secrets by where they are planted. No other text has any of them. */
export function plant<const P extends string>(
  ...places: readonly P[]
): Readonly<Record<P, string>> {
  const made = places.map((place) => [place, `s${randomBytes(12).toString('hex')}`] as const);
  return Object.fromEntries(made) as Record<P, string>;
}

/** Which secrets are in which surfaces, in whichever way they are written there. */
export function findSecrets(
  secrets: Readonly<Record<string, string>>,
  surfaces: readonly Surface[],
): readonly string[] {
  return surfaces.flatMap(({ bytes, name }) => {
    const text = bytes.toString('latin1');
    const lower = text.toLowerCase();
    return Object.entries(secrets)
      .filter(([, secret]) =>
        Object.values(waysToWrite(secret)).some((way) => text.includes(way) || lower.includes(way)),
      )
      .map(([place]) => `${place} in ${name}`);
  });
}

/** A secret as it can be written: by itself, and so that it takes a program to see it. */
export function waysToWrite(secret: string): Readonly<Record<string, string>> {
  const bytes = Buffer.from(secret);
  const spaced = Buffer.from(secret, 'utf16le').toString('latin1');
  const base64 = [0, 1, 2].map((before) => [`base64 after ${before}`, inBase64(bytes, before)]);
  return {
    plain: secret,
    hex: bytes.toString('hex'),
    utf16: spaced,
    ...Object.fromEntries(base64),
  };
}

/** The part of bytes in base64 that is the same whatever is before, but for how long that is. */
function inBase64(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
}
