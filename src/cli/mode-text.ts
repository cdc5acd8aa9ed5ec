import type { FileInfo, FileKindName } from '../client/index.ts';

/** The first letter of a mode, as ls(1) has it. */
const LETTERS: Readonly<Record<FileKindName, string>> = {
  regular: '-',
  directory: 'd',
  symlink: 'l',
  fifo: 'p',
  socket: 's',
  'character-device': 'c',
  'block-device': 'b',
};

/** Kind and permission bits as ls(1) shows them: `drwxr-xr-x`. */
export function modeText({ kind, mode }: Pick<FileInfo, 'kind' | 'mode'>): string {
  const three = (bits: number, special: boolean, letter: string): string => {
    const executes = (bits & 1) !== 0;
    const last = special ? (executes ? letter : letter.toUpperCase()) : executes ? 'x' : '-';
    return `${(bits & 4) === 0 ? '-' : 'r'}${(bits & 2) === 0 ? '-' : 'w'}${last}`;
  };
  return [
    LETTERS[kind],
    three(mode >> 6, (mode & 0o4000) !== 0, 's'),
    three(mode >> 3, (mode & 0o2000) !== 0, 's'),
    three(mode, (mode & 0o1000) !== 0, 't'),
  ].join('');
}

/** Permission bits in octal, as chmod(1) takes them: `0644`. */
export function octalText(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
