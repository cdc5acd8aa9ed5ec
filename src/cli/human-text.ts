import { shownText } from '../system-text.ts';

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

/** A span for people: `5 s`, `3 min`, `2 h`, `4 d`. `ms` is 0 or more. */
export function spanText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  for (const [unit, length] of UNITS) {
    if (seconds >= length) return `${Math.floor(seconds / length)} ${unit}`;
  }
  return `${seconds} s`;
}

/** How long ago a moment was. Clocks of two machines may differ a little. */
export function agoText(moment: Date, now: Date): string {
  return `${spanText(Math.max(0, now.getTime() - moment.getTime()))} ago`;
}

/** A command line as a shell would take it, on one line and without control characters. */
export function commandText(argv: readonly string[]): string {
  return argv.map(quoted).join(' ');
}

/** Text of others on one line, which cannot change what a terminal shows. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

function quoted(argument: string): string {
  if (/^[\w@%+=:,./-]+$/.test(argument)) return argument;
  return printable(`'${argument.replaceAll("'", `'\\''`)}'`);
}

/** A name of a file in a sentence. */
export function quotedName(name: string): string {
  return `'${printable(shownText(name))}'`;
}

/** A text in lines of at most so many characters, unless a word is longer. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
