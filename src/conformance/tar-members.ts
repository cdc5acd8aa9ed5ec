/** A member of an archive. */
export interface Member {
  readonly name: string;
  /** `0` a file, `1` a hard link, `2` a link, `5` a folder, `6` a FIFO: ustar. Default: a file. */
  readonly type?: '0' | '1' | '2' | '5' | '6';
  readonly linkName?: string;
  readonly content?: string;
  readonly mode?: number;
}

const BLOCK = 512;

/** What an archive ends with. */
export const ARCHIVE_END = Buffer.alloc(2 * BLOCK);

/** An archive of members as they are given, whatever they are: the ustar format of POSIX.1-2001. */
export function archiveOf(...members: readonly Member[]): Buffer {
  return Buffer.concat([...members.map(blocksOf), ARCHIVE_END]);
}

function blocksOf({ content = '', linkName = '', mode = 0o644, name, type = '0' }: Member): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number): string =>
    `${value.toString(8).padStart(length - 1, '0')}\0`;
  header.write(name, 0, 100);
  header.write(octal(mode, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(Buffer.byteLength(content), 12), 124);
  header.write(octal(1_000_000_000, 12), 136);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write(linkName, 157, 100);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const data = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / BLOCK) * BLOCK);
  data.write(content);
  return Buffer.concat([header, data]);
}
