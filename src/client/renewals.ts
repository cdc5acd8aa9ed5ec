import type { SessionLostError } from './errors.ts';
import type { ClientSettings } from './options.ts';

/**
 * Credentials that held for this long, in milliseconds, were good, and those that come after them
 * may be, too. The server looks more often than that whether they still hold.
 */
const HELD_MS = 5_000;

/** Attempts with other credentials after some were refused that had been good. */
const MAX_RENEWALS = 1;

/** Has a session that is lost for its credentials be tried again with those of now, not for ever. */
export class Renewals {
  readonly #settings: Pick<ClientSettings, 'credentialsChange' | 'renewCredentials'>;
  /** How often others were tried since some were good. */
  #count = 0;

  constructor(settings: Pick<ClientSettings, 'credentialsChange' | 'renewCredentials'>) {
    this.#settings = settings;
  }

  /** Whether a loss may be none with other credentials. `upMs`: how long the last were in use. */
  after(loss: SessionLostError | undefined, upMs: number): boolean {
    if (upMs >= HELD_MS) this.#count = 0;
    if (loss?.reason !== 'credentials-refused' || !this.#settings.credentialsChange) return false;
    this.#settings.renewCredentials();
    this.#count += 1;
    return this.#count <= MAX_RENEWALS;
  }
}
