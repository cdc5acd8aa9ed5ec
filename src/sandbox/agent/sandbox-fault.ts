/** Why a sandbox cannot be made, in the thread that finds it out. */
export class SandboxFault extends Error {
  readonly step: string;
  readonly errnoName: string;

  /** @param step as SandboxFailure has it: `rule`, `limits` */
  constructor(step: string, errnoName: string, message: string) {
    super(message);
    this.step = step;
    this.errnoName = errnoName;
  }
}

/** Something was changed on the disk since it was looked at: all is to be looked at again. */
export class ChangedError extends Error {}

/** The name of the system's error; undefined: it is none. */
export function errnoNameOfError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errno } = error as NodeJS.ErrnoException;
  return errno !== undefined && typeof code === 'string' ? code : undefined;
}
