import type { Reason } from '../../errors.ts';
import { MAX_MEMBER_PATH_BYTES, MAX_TREE_LEVELS } from '../../limits.ts';
import { FileFault } from '../file-fault.ts';
import { TarError } from '../tar/tar-format.ts';
import { type ByteName, joinPath, textOfName } from './byte-name.ts';

/** What errors of an archive that is unpacked are told of. */
export const OPERATION = 'write_tree';

/**
 * The names that a path in an archive consists of; none: the folder itself.
 *
 * @param target the folder that it is unpacked to, for errors
 * @throws FileFault `OUTSIDE_ROOT`
 */
export function namesOf(path: ByteName, target: string): readonly ByteName[] {
  if (path.startsWith('/')) throw memberFault('OUTSIDE_ROOT', target, path, 'a path is absolute');
  if (path.length > MAX_MEMBER_PATH_BYTES) throw new TarError('a path is too long');
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) throw memberFault('OUTSIDE_ROOT', target, path, 'a path leads up');
  if (names.length > MAX_TREE_LEVELS) {
    throw new FileFault(
      'LIMIT_EXCEEDED',
      {
        operation: OPERATION,
        path: target,
        message: `a tree has at most ${MAX_TREE_LEVELS} levels`,
      },
      { limit: 'max_tree_levels', maximum: String(MAX_TREE_LEVELS) },
    );
  }
  return names;
}

/** What is wrong with a member. */
export function memberFault(
  reason: Reason,
  target: string,
  path: ByteName,
  message = '',
): FileFault {
  return new FileFault(reason, { operation: OPERATION, path: shownMember(target, path), message });
}

/** The path of a member as the call would spell it. */
export function shownMember(target: string, path: ByteName): string {
  return joinPath(target, textOfName(path.replace(/^(\.?\/)+/, '').replace(/\/+$/, '')));
}
