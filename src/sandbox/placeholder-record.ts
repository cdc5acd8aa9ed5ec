/** What is told of an empty folder that keeps a path from being made, before it is there. */
export interface PlaceholderRecord {
  /** Its path: bytes in base64. */
  readonly placeholder: string;
}

/** Undefined: it is none. */
export function asPlaceholderRecord(parsed: object): PlaceholderRecord | undefined {
  const placeholder: unknown = Reflect.get(parsed, 'placeholder');
  return typeof placeholder === 'string' ? { placeholder } : undefined;
}
