import type { HttpField } from './http-message.ts';

/** What is said of a name that none has. */
export const UNKNOWN_CREDENTIAL = 'the server has no credential with this name';

/** The credentials that the operator has configured, by their names. */
export interface HttpCredentials {
  /** Their names, which are no secret. */
  names(): readonly string[];
  /**
   * The header of one, for a request to a URL. It is asked for each request anew, also at a
   * redirect.
   *
   * @throws RunletError `INVALID_REQUEST` where there is none with that name, `EGRESS_DENIED` where
   *   it is not bound to the URL's host, or that is not asked over TLS
   */
  headerFor(name: string, url: URL): HttpField;
}
