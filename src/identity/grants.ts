/**
 * What a caller may do, in the words of tokens, policies and errors. Which call needs which of
 * them is in `server/method-grants.ts`.
 */
export const GRANTS = [
  /** `CreateSession`, `StartProcess`, `Run`. */
  'start',
  /** Every read of sessions and processes, `AttachSession` among them. */
  'observe',
  /** Standard input, and the sizes of terminals. */
  'input',
  /** `SignalProcess`, `TerminateProcess`, `CloseSession`. */
  'signal',
  /** Reading files. */
  'files:read',
  /** Reading and writing files: it includes `files:read`. */
  'files',
  /** HTTP requests of the server. */
  'http',
  /** Connections of the server. */
  'tunnel',
  /** Listing and closing the sessions of all callers. */
  'admin',
] as const;

/** One of {@link GRANTS}. */
export type Grant = (typeof GRANTS)[number];

/** What a caller may do of whom nothing is said: all but `admin`. */
export const DEFAULT_GRANTS: ReadonlySet<Grant> = new Set(
  GRANTS.filter((grant) => grant !== 'admin'),
);

/** Whether a text is the name of a grant. */
export function isGrant(text: string): text is Grant {
  return (GRANTS as readonly string[]).includes(text);
}

/**
 * Grants as they are meant: with those that one of them includes.
 *
 * @throws Error that names one that there is not
 */
export function grantSet(names: Iterable<string>): ReadonlySet<Grant> {
  const result = new Set<Grant>();
  for (const name of names) {
    if (!isGrant(name)) throw new Error(`there is no grant ${JSON.stringify(name)}`);
    result.add(name);
    if (name === 'files') result.add('files:read');
  }
  return result;
}

/**
 * Reads grants that are separated by commas.
 *
 * @throws Error that names one that there is not, or if there is none
 */
export function parseGrants(text: string): ReadonlySet<Grant> {
  return grantSet(text.split(','));
}

/** What is in both. */
export function commonGrants(
  some: ReadonlySet<Grant>,
  others: ReadonlySet<Grant>,
): ReadonlySet<Grant> {
  return new Set([...some].filter((grant) => others.has(grant)));
}

/** The text that {@link parseGrants} reads, in the order of {@link GRANTS}. */
export function formatGrants(grants: ReadonlySet<Grant>): string {
  return GRANTS.filter(
    (grant) => grants.has(grant) && !(grant === 'files:read' && grants.has('files')),
  ).join(',');
}
