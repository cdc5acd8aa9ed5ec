/* Archives as somebody may make them who wishes no good: members of any kind, one after the other. */

/** A member of an archive. */
export interface HandMade {
  readonly name: string;
  /** Default: `0`, a file. */
  readonly type?: string;
  readonly linkName?: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
}

const BLOCK = 512;

/** A member: its header and what follows it. */
export function handMade({
  content = '',
  linkName = '',
  mode = 0o644,
  name,
  type = '0',
}: HandMade): Buffer {
  const body = Buffer.from(content);
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100, 'latin1');
  header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(linkName, 157, 100, 'latin1');
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
}

/** A header of pax before another member, or before all others. */
export function paxRecords(
  records: Readonly<Record<string, string>>,
  type: 'x' | 'g' = 'x',
): Buffer {
  const lines = Object.entries(records).map(([keyword, value]) => {
    const rest = ` ${keyword}=${value}\n`;
    let length = rest.length;
    while (String(length).length + rest.length !== length) length += 1;
    return `${length}${rest}`;
  });
  return handMade({ name: 'pax', type, content: lines.join('') });
}

/** Members, and the end of the archive. */
export function archiveOf(...members: readonly (Buffer | HandMade)[]): Buffer {
  const parts = members.map((member) => (Buffer.isBuffer(member) ? member : handMade(member)));
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}
