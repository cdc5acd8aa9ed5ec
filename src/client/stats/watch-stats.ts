import type { Address } from '../../address.ts';
import type { CallOptions } from '../../bridge/types.ts';
import type { Reason } from '../../errors.ts';
import { Backoff } from '../backoff.ts';
import { MAX_AMBIGUOUS_FAILURES } from '../call-attempts.ts';
import { type CallFailure, callFailure } from '../call-failure.ts';
import { type Connection, openServices } from '../connection.ts';
import { ConnectionError } from '../errors.ts';
import { followStream } from '../follow-stream.ts';
import { joinSignals } from '../joined-signal.ts';
import { duration } from '../numbers.ts';
import type { ClientSettings } from '../options.ts';
import { serverInfo } from '../server-info.ts';
import { silenceMsOf } from '../silence.ts';
import { pause, unlessAborted, within } from '../waiting.ts';
import { MergedStats } from './merged-stats.ts';
import type { Stats, WatchStatsOptions } from './stats.ts';

/** How long it is tried to come back after a break if nothing is said, in milliseconds. */
const WINDOW_MS = 300_000;

/** Never aborts. */
const NEVER = new AbortController().signal;

/** What goes with one of the connections that a watch takes. */
interface Attempt {
  readonly settings: ClientSettings;
  readonly signal: AbortSignal;
  readonly options: WatchStatsOptions;
}

/**
 * What the sessions and processes of a server are, again and again, over as many connections as it
 * takes.
 *
 * @throws RemoteError, ConnectionError, the reason of the signal
 * @internal
 */
export async function* watchStats(
  address: Address,
  settings: ClientSettings,
  options: WatchStatsOptions,
): AsyncGenerator<Stats> {
  const { keepAlive } = settings;
  const given = overBreaks(address, settings, options);
  try {
    // What is not asked for the next is not waited for.
    for (;;) {
      const { done, value } = await keepAlive.during(given.next());
      if (done) return;
      yield value;
    }
  } finally {
    await keepAlive.during(given.return(undefined));
  }
}

async function* overBreaks(
  address: Address,
  settings: ClientSettings,
  options: WatchStatsOptions,
): AsyncGenerator<Stats> {
  const { clock, connectTimeoutMs, initialBackoffMs, maxBackoffMs, random, windowMs } = settings;
  const { onConnectionChange = () => {}, signal = NEVER } = options;
  const backoff = new Backoff({ initialMs: initialBackoffMs, maxMs: maxBackoffMs, random });
  const retries = new Retries(settings);
  let until = clock.monotonic() + connectTimeoutMs;
  let isBroken = false;
  for (;;) {
    signal.throwIfAborted();
    const stuck = new AbortController();
    const connection = openServices(address, settings, () => stuck.abort(STUCK));
    const joined = joinSignals(signal, stuck.signal);
    let failed: unknown = new ConnectionError('the stream ended early', false);
    try {
      for await (const stats of once(connection, { settings, signal: joined.signal, options })) {
        if (isBroken) onConnectionChange(true);
        isBroken = false;
        backoff.reset();
        retries.reset();
        yield stats;
        until = clock.monotonic() + (windowMs ?? WINDOW_MS);
      }
    } catch (error) {
      failed = stuck.signal.aborted ? STUCK : error;
    } finally {
      joined.release();
      connection.close();
    }
    signal.throwIfAborted();
    const failure = retries.after(failed);
    const pauseMs = backoff.next();
    if (clock.monotonic() + pauseMs > until) {
      const why = `the server cannot be reached: ${failure.message}`;
      throw new ConnectionError(why, false, failure);
    }
    if (retries.cameOn && !isBroken) onConnectionChange(false);
    isBroken ||= retries.cameOn;
    await pause(pauseMs, clock, signal);
  }
}

const STUCK = new ConnectionError('the connection could not be made in time', false);

/** What is told over one connection. */
async function* once(
  { server }: Connection,
  { options, settings, signal }: Attempt,
): AsyncGenerator<Stats> {
  const { attemptTimeoutMs, clock } = settings;
  const { all = false, intervalMs } = options;
  const asked = (async () => settings.metadata())();
  const metadata = await unlessAborted(
    within(asked, attemptTimeoutMs, clock, 'no metadata came'),
    signal,
  );
  const bounded: CallOptions = {
    metadata,
    signal,
    deadline: new Date(Date.now() + attemptTimeoutMs),
  };
  const { limits } = serverInfo(await server.getServerInfo({}, bounded));
  const interval = intervalMs === undefined ? undefined : duration('intervalMs', intervalMs);
  const ended = new AbortController();
  const joined = joinSignals(signal, ended.signal);
  try {
    const request = { all, ...(interval && { interval }) };
    const messages = server.watchStats(request, { metadata, signal: joined.signal });
    const merged = new MergedStats();
    for await (const message of followStream(messages, silenceMsOf(limits), clock)) {
      const stats = merged.take(message);
      if (stats !== undefined) yield stats;
    }
  } finally {
    joined.release();
    ended.abort();
  }
}

/** Says what of a failure may pass, and for how long. */
class Retries {
  readonly #settings: ClientSettings;
  #ambiguous = 0;
  #renewed = false;
  /** Whether anything was ever told. */
  cameOn = false;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
  }

  /** Something was told: what failed before does not count any more. */
  reset(): void {
    this.#ambiguous = 0;
    this.#renewed = false;
    this.cameOn = true;
  }

  /** What a failure is, if it may pass; throws it otherwise. */
  after(error: unknown): Error {
    const failure = callFailure(error);
    if (!this.#mayPass(failure)) throw failure.error;
    return failure.error;
  }

  #mayPass(failure: CallFailure): boolean {
    switch (failure.kind) {
      case 'connection':
        if (failure.ambiguous) this.#ambiguous += 1;
        return this.#ambiguous < MAX_AMBIGUOUS_FAILURES;
      case 'credentials': {
        const { credentialsChange, renewCredentials } = this.#settings;
        if (!credentialsChange || this.#renewed) return false;
        renewCredentials();
        this.#renewed = true;
        return true;
      }
      case 'refused':
        // Another server may take the place of one that shuts down.
        return this.cameOn && failure.error.reason === ('DRAINING' satisfies Reason);
      case 'unreachable':
        return false;
    }
  }
}
