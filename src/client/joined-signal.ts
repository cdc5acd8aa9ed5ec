/** A signal that aborts with the first of several. */
export interface JoinedSignal {
  readonly signal: AbortSignal;
  /** Lets go of the others. `AbortSignal.any` would stay known to those that live long. */
  release(): void;
}

/** Joins signals; those that are undefined never abort. */
export function joinSignals(...sources: readonly (AbortSignal | undefined)[]): JoinedSignal {
  const controller = new AbortController();
  const present = sources.filter((source) => source !== undefined);
  const release = (): void => {
    for (const source of present) source.removeEventListener('abort', abort);
  };
  const abort = (): void => {
    release();
    controller.abort(present.find((source) => source.aborted)?.reason);
  };
  for (const source of present) source.addEventListener('abort', abort, { once: true });
  if (present.some((source) => source.aborted)) abort();
  return { signal: controller.signal, release };
}
