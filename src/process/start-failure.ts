import { RunletError, type StartStage } from '../errors.ts';

/** Errors of a spawn that speak of the program rather than of the machine, as execve(2) has them. */
const PROGRAM_ERRNOS: ReadonlySet<string> = new Set([
  'EACCES',
  'EISDIR',
  'ELOOP',
  'ENOENT',
  'ENOEXEC',
  'ENOTDIR',
  'EPERM',
  'ETXTBSY',
]);

/** A start that failed at `stage` with the system's error `errnoName`. */
export function startFailure(stage: StartStage, errnoName: string, message: string): RunletError {
  return new RunletError('START_FAILED', {
    message,
    startFailure: { stage, errnoName, message },
  });
}

/** The name of a system error that Node.js threw: `ENOENT`; `EIO` where it has none. */
export function errnoName(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : 'EIO';
}

/** Which stage the failure of creating a process belongs to. */
function spawnStage(errno: string): StartStage {
  return PROGRAM_ERRNOS.has(errno) ? 'PROGRAM' : 'SPAWN';
}

/** The creation of a process that failed with a system error. */
export function spawnFailure(errno: string): RunletError {
  return startFailure(spawnStage(errno), errno, `the process could not be created: ${errno}`);
}

/** A process that could not be given its limits. */
export function limitFailure(errno: string): RunletError {
  return startFailure('SPAWN', errno, `the process could not be limited: ${errno}`);
}

/** A start that asks for something that this server's launcher cannot do. */
export function unsupported(stage: StartStage, what: string): RunletError {
  return startFailure(stage, 'ENOTSUP', `this server cannot ${what}: ENOTSUP`);
}
