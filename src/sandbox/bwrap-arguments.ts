import { SANDBOX_SHM_BYTES, SANDBOX_TEMP_BYTES } from '../limits.ts';
import type { MountOperation } from './mount-plan.ts';
import { FIRST_PREPARED_DESCRIPTOR, FIRST_PROCESS_DESCRIPTOR } from './prepared-sandbox.ts';

/** What a descriptor is of: what has a path, or a file without content, to be read. */
export type ToOpen = { readonly path: string } | 'nothing';

/**
 * What bwrap(1) is told to mount. It is given descriptors, and looks whether what it has mounted is
 * what they are of: a path may lead elsewhere by then.
 *
 * @param open told what is to be opened, in the order of the descriptors
 * @param proc what it is told of `/proc`
 */
export function bwrapArguments(
  operations: readonly MountOperation[],
  open: (what: ToOpen) => void,
  proc: readonly string[],
): readonly string[] {
  let next = FIRST_PREPARED_DESCRIPTOR;
  const opened = (what: ToOpen): string => {
    open(what);
    next += 1;
    return String(next - 1);
  };
  return operations.flatMap((operation) => argumentsOf(operation, opened, proc));
}

function argumentsOf(
  operation: MountOperation,
  opened: (what: ToOpen) => string,
  proc: readonly string[],
): readonly string[] {
  const { path } = operation;
  switch (operation.kind) {
    case 'bind':
      return [operation.access === 'write' ? '--bind-fd' : '--ro-bind-fd', opened({ path }), path];
    case 'hide-folder':
      return ['--perms', octal(operation.mode), '--tmpfs', path];
    case 'hide-file':
      return ['--perms', octal(0), '--ro-bind-data', opened('nothing'), path];
    case 'folder':
      return ['--perms', octal(operation.mode), '--dir', path];
    case 'link':
      return ['--symlink', operation.target, path];
    case 'temp': {
      const bytes = operation.space === 'shm' ? SANDBOX_SHM_BYTES : SANDBOX_TEMP_BYTES;
      return ['--perms', octal(0o1777), '--size', String(bytes), '--tmpfs', path];
    }
    case 'proc':
      return proc;
    case 'dev':
      return ['--dev', path];
    case 'first':
      return ['--perms', octal(0o555), '--file', String(FIRST_PROCESS_DESCRIPTOR), path];
    case 'seal':
      return ['--remount-ro', path];
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
