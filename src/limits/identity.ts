import { KIB, MIB, MINUTE, SECOND } from '../units.ts';

/* Who calls, and the files that say so and what they may do. */

/** Characters of a JWT: header lists of HTTP/2 are 16 KiB in most servers. */
export const MAX_JWT_LENGTH = 16 * KIB;

/** How far the clocks of an issuer of JWTs and of this machine may be apart. */
export const JWT_CLOCK_SKEW_MS = 30 * SECOND;

/** Bytes of a `sub` of a JWT, which becomes a part of its principal's name. */
export const MAX_JWT_SUBJECT_BYTES = 256;

/**
 * JWTs that were verified and are remembered, less than a KiB each, tokens that were, and as many
 * of these that are of no use. Of those that are forgotten, the signatures are verified again.
 */
export const MAX_REMEMBERED = 4096;

/**
 * JWTs whose signatures are verified at one time, and tokens. That is done on threads of the pool,
 * of which there are four, and files are read and written on them, too.
 */
export const MAX_VERIFICATIONS = 2;

/**
 * Those not seen before that may wait for that or be at it: JWTs of one connection, tokens of one
 * key, and of all; and as many JWTs may wait for keys to be fetched. A signature takes a tenth of a
 * millisecond.
 */
export const MAX_UNVERIFIED_EACH = 64;
export const MAX_UNVERIFIED = 512;

/** Bytes and keys of a set of keys for JWTs: large issuers have a dozen of less than 1 KiB. */
export const MAX_JWKS_BYTES = 256 * KIB;
export const MAX_JWKS_KEYS = 128;

/** How old the keys of a URL become before they are fetched again: a key that was removed is out then. */
export const JWKS_REFRESH_MS = 5 * MINUTE;

/** The time between two fetches that tokens with unknown keys bring about, and after one that failed. */
export const JWKS_COOLDOWN_MS = 30 * SECOND;

/** How long a fetch may take in all. */
export const JWKS_FETCH_MS = 5 * SECOND;

/**
 * How often files that say who is let in, and what they may do, are looked at. They are read when
 * they are found the same twice, a second after a change at most: they are written then.
 */
export const FILES_LOOK_MS = SECOND / 2;

/**
 * How long a file that was changed is read again at every look: what is written within a tick of
 * the kernel's clock, 10 ms at most, or the two seconds that some file systems count in, shows in
 * no time.
 */
export const FRESH_FILE_MS = 2 * SECOND;

/** How often it is looked whether the credentials of calls under way still hold. */
export const CREDENTIALS_LOOK_MS = SECOND;

/** Bytes of a file of TLS: some 20,000 revoked certificates, or 500 authorities. */
export const MAX_TLS_FILE_BYTES = MIB;

/**
 * Bytes of a token that a client sends: twice what the longest of our own have, and what is usual
 * of JWTs. The headers of a call have 16 KiB in many proxies.
 */
export const MAX_BEARER_BYTES = 16 * KIB - 512;

/** How often a client looks at most whether the file of its token has changed. */
export const CLIENT_TOKEN_LOOK_MS = SECOND;

/** Bytes of a token file: some ten thousand lines, which are read in one step of some milliseconds. */
export const MAX_TOKEN_FILE_BYTES = MIB;

/** Bytes of a policy file, which take some tens of milliseconds to read when it changes. */
export const MAX_POLICY_BYTES = 256 * KIB;

/** Bytes of one pattern in it: no path is longer, `PATH_MAX` of Linux. */
export const MAX_POLICY_PATTERN_BYTES = 4 * KIB;
