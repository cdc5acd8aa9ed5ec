/*
 * What bwrap(1) writes when it cannot make a sandbox is for people: an error of the system is in
 * it as strerror(3) says it, in a clean environment in English. In some messages the name stands.
 */

/** What glibc says, and musl where it says it otherwise; an errno that is not here is not told. */
const TEXTS: Readonly<Record<string, string>> = {
  'Operation not permitted': 'EPERM',
  'No such file or directory': 'ENOENT',
  'Interrupted system call': 'EINTR',
  'Input/output error': 'EIO',
  'I/O error': 'EIO',
  'No such device or address': 'ENXIO',
  'Argument list too long': 'E2BIG',
  'Exec format error': 'ENOEXEC',
  'Bad file descriptor': 'EBADF',
  'Resource temporarily unavailable': 'EAGAIN',
  'Cannot allocate memory': 'ENOMEM',
  'Out of memory': 'ENOMEM',
  'Permission denied': 'EACCES',
  'Device or resource busy': 'EBUSY',
  'Resource busy': 'EBUSY',
  'File exists': 'EEXIST',
  'No such device': 'ENODEV',
  'Not a directory': 'ENOTDIR',
  'Is a directory': 'EISDIR',
  'Invalid argument': 'EINVAL',
  'Too many open files in system': 'ENFILE',
  'Too many open files': 'EMFILE',
  'No file descriptors available': 'EMFILE',
  'No space left on device': 'ENOSPC',
  'Read-only file system': 'EROFS',
  'Too many links': 'EMLINK',
  'Too many levels of symbolic links': 'ELOOP',
  'Symbolic link loop': 'ELOOP',
  'File name too long': 'ENAMETOOLONG',
  'Filename too long': 'ENAMETOOLONG',
  'Function not implemented': 'ENOSYS',
  'Operation not supported': 'EOPNOTSUPP',
  'Not supported': 'EOPNOTSUPP',
  'Stale file handle': 'ESTALE',
  'Disk quota exceeded': 'EDQUOT',
  'Quota exceeded': 'EDQUOT',
  'Too many users': 'EUSERS',
};

/** What bwrap(1) writes before its messages. */
const PREFIX = 'bwrap: ';

/** What a message of bwrap(1) says. */
export interface BubblewrapError {
  /** The name of the system's error, `EPERM`; empty: it says none. */
  readonly errnoName: string;
  /** The message, without the name of the program; empty: there is none. */
  readonly message: string;
}

/** Reads what bwrap(1) has written: the last of its messages is why it ended. */
export function bubblewrapError(written: string): BubblewrapError {
  const lines = written.split('\n').filter((line) => line.startsWith(PREFIX));
  const message = lines.at(-1)?.slice(PREFIX.length) ?? '';
  const [, text = ''] = /: ([^:]+)$/.exec(message) ?? [];
  const [, named = ''] = /(?:\(|reported )(E[A-Z0-9]+)/.exec(message) ?? [];
  const said = TEXTS[text] ?? named;
  // It says this instead of the error: EPERM, or EINVAL where the kernel has none.
  const isForbidden = message.startsWith('No permissions to create');
  return { errnoName: said === '' && isForbidden ? 'EPERM' : said, message };
}
