/** Where it is told. */
export interface FatalLog {
  fatal(facts: { readonly err: unknown }, text: string): void;
}

/**
 * The one path for what nobody caught, a fault of this program: it is logged, and
 * `onFirst` is called once, to end the program in order. It goes on meanwhile, so that what
 * runs on it can be ended.
 */
export function takeUncaught(logger: FatalLog, onFirst: () => void): void {
  let taken = false;
  const take = (err: unknown): void => {
    logger.fatal({ err }, 'an error that nobody caught: the server ends');
    if (taken) return;
    taken = true;
    onFirst();
  };
  process.on('uncaughtException', take);
  process.on('unhandledRejection', take);
}
