import { isatty } from 'node:tty';
import type { FileInfo } from '../client/index.ts';
import { bytesOfText, shownText, textOfBytes } from '../system-text.ts';
import { printable } from './human-text.ts';
import { modeText } from './mode-text.ts';

/** A file of a listing, and by which name. */
export interface ListedFile {
  readonly name: string;
  readonly file: FileInfo;
}

/** A name as it is written: on a terminal without what could change what that shows. */
export function nameBytes(name: string): Buffer {
  return isatty(1) ? Buffer.from(printable(shownText(name))) : bytesOfText(name);
}

/** A line for each, with names alone or as `ls -l` has them. */
export function listing(entries: readonly ListedFile[], long: boolean): Buffer {
  const heads = long ? longHeads(entries.map(({ file }) => file)) : [];
  const parts = entries.flatMap(({ file, name }, i) => {
    const target = long ? linkTargetOf(file) : undefined;
    return [
      Buffer.from(heads[i] ?? ''),
      nameBytes(name),
      ...(target === undefined ? [] : [Buffer.from(' -> '), nameBytes(target)]),
      Buffer.from('\n'),
    ];
  });
  return Buffer.concat(parts);
}

/** What comes before names, in aligned columns: numbers to the right. */
function longHeads(files: readonly FileInfo[]): readonly string[] {
  const rows = files.map((file) => [
    modeText(file),
    String(file.linkCount),
    printable(file.owner ?? String(file.uid)),
    printable(file.group ?? String(file.gid)),
    String(file.size),
    timeText(file.modifyTime),
  ]);
  const widths = rows.reduce<readonly number[]>(
    (so, row) => row.map((cell, i) => Math.max(so[i] ?? 0, cell.length)),
    [],
  );
  const toTheRight = new Set([1, 4]);
  return rows.map((row) => {
    const cells = row.map((cell, i) =>
      toTheRight.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
    );
    return `${cells.join(' ')} `;
  });
}

/** A time of this place, to the minute: `2026-01-31 12:00`. */
function timeText(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** Where a link leads; undefined: it is none. */
function linkTargetOf({ linkTarget, rawLinkTarget }: FileInfo): string | undefined {
  return rawLinkTarget === undefined ? linkTarget : textOfBytes(rawLinkTarget);
}
