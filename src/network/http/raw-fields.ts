import type { HttpField } from './http-message.ts';

/** Headers as Node.js tells them, names and values in turn, each character a byte. */
export function fromRaw(raw: readonly string[]): readonly HttpField[] {
  const fields: HttpField[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    // Those of HTTP/2 that are no headers.
    if (name.startsWith(':')) continue;
    fields.push({ name: name.toLowerCase(), value: Buffer.from(raw[at + 1] ?? '', 'latin1') });
  }
  return fields;
}

/** The same the other way. */
export function toRaw(fields: readonly HttpField[]): string[] {
  return fields.flatMap(({ name, value }) => [name, value.toString('latin1')]);
}

/** The first value of a header, by its name in lower case. */
export function fieldText(fields: readonly HttpField[], name: string): string | undefined {
  return fields.find((field) => field.name.toLowerCase() === name)?.value.toString('latin1');
}
