import type { Clock, Timer } from '../../clock.ts';
import { JWKS_COOLDOWN_MS, JWKS_REFRESH_MS } from '../../limits.ts';
import { fetchKeys } from './fetch-keys.ts';
import { KeySet, parseKeySet } from './key-set.ts';
import { type KeyLog, type KeySource, whyNot } from './key-source.ts';

/** How the keys of a URL are had. */
export interface KeyUrlOptions {
  readonly url: URL;
  readonly clock: Clock;
  readonly log: KeyLog;
}

/**
 * Keys from a URL. They are fetched at once, every {@link JWKS_REFRESH_MS}, and when a token names
 * one that is not known. While the URL answers nothing that is good, the last good ones stay in
 * force; before the first ones came there are none, and no token is good.
 */
export async function openKeyUrl(options: KeyUrlOptions): Promise<KeySource> {
  const source = new KeyUrl(options);
  await source.refresh();
  return source;
}

class KeyUrl implements KeySource {
  readonly #options: KeyUrlOptions;
  /** What the log says of where it is: a query may hold a secret. */
  readonly #from: string;
  #keys = new KeySet([]);
  #text: string | undefined;
  #trouble: string | undefined;
  #fetching: Promise<void> | undefined;
  /** When the last fetch began. */
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  readonly #closing = new AbortController();

  constructor(options: KeyUrlOptions) {
    this.#options = options;
    this.#from = options.url.origin + options.url.pathname;
  }

  current(): KeySet {
    return this.#keys;
  }

  refresh(): Promise<void> | undefined {
    if (this.#fetching !== undefined) return this.#fetching;
    const now = this.#options.clock.monotonic();
    if (this.#closing.signal.aborted || now - this.#fetchedAt < JWKS_COOLDOWN_MS) return undefined;
    this.#fetchedAt = now;
    this.#timer?.cancel();
    this.#fetching = this.#fetch().finally(() => {
      this.#fetching = undefined;
      this.#schedule();
    });
    return this.#fetching;
  }

  async reload(): Promise<void> {
    await this.refresh();
  }

  close(): void {
    this.#closing.abort();
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#closing.signal.aborted) return;
    const { clock } = this.#options;
    const delayMs = this.#trouble === undefined ? JWKS_REFRESH_MS : JWKS_COOLDOWN_MS;
    this.#timer = clock.setTimer(delayMs, () => {
      if (this.refresh() === undefined) this.#schedule();
    });
  }

  async #fetch(): Promise<void> {
    const { clock, log, url } = this.#options;
    const from = this.#from;
    try {
      const text = await fetchKeys(url, clock, this.#closing.signal);
      if (text !== this.#text) {
        this.#keys = parseKeySet(text);
        this.#text = text;
        log.info({ from, keys: this.#keys.size }, 'the keys of JWTs were fetched');
      } else if (this.#trouble !== undefined) {
        log.info({ from }, 'the keys of JWTs can be fetched again');
      }
      this.#trouble = undefined;
    } catch (error) {
      const why = whyNot(error);
      if (why === this.#trouble || this.#closing.signal.aborted) return;
      this.#trouble = why;
      log.warn(
        { from, why },
        this.#text === undefined
          ? 'the keys of JWTs cannot be fetched; no JWT is taken until then'
          : 'the keys of JWTs cannot be fetched; the last good ones stay in force',
      );
    }
  }
}
