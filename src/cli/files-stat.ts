import { Command } from 'commander';
import type { FileInfo } from '../client/index.ts';
import { addFilesOptions, addPathsArgument, type FilesFlags, forEachFile } from './each-file.ts';
import { addExamples } from './examples.ts';
import { fileLine } from './file-line.ts';
import { namingFile } from './file-words.ts';
import { printable } from './human-text.ts';
import { modeText, octalText } from './mode-text.ts';
import { systemText } from './own-bytes.ts';
import { printJson, printLine } from './print.ts';
import { sandboxExample } from './sandbox-example.ts';
import { secureExample } from './secure-example.ts';

interface StatFlags extends FilesFlags {
  readonly dereference?: boolean;
  readonly json?: boolean;
}

/** `runlet files stat` */
export function statCommand(): Command {
  const command = addPathsArgument(
    addFilesOptions(new Command('stat'))
      .description('Say all that is known of files.')
      .option('-L, --dereference', 'of what links lead to, rather than of them')
      .option('--json', 'print a line of JSON for each'),
    'the files',
  ).action(stat);
  return addExamples(
    command,
    [
      {
        command: 'runlet files stat /',
        does: 'Say what a file is',
        prints: /^path {6}\/\nkind {6}directory\n/,
      },
      {
        command: 'runlet files stat --json -L /proc/self/root',
        does: 'Say for a script where a link leads',
        code: 1,
        prints: /./,
      },
    ],
    [
      {
        command: 'runlet files stat --address "$SERVER" --session "$SESSION" --json /',
        does: 'Say it through a session that is named',
        prints: /^\{"path":"\/","rawPath":null,"kind":"directory",/,
      },
      sandboxExample('files stat', '/etc', /^path {6}\/etc\n/),
      secureExample('files stat', '/', /^path {6}\/\n/),
    ],
  );
}

async function stat(names: readonly string[], flags: StatFlags): Promise<void> {
  let isFirst = true;
  await forEachFile(flags, names, async (files, { name, path }) => {
    const looking = files.stat(systemText(path), { followLinks: flags.dereference === true });
    const file = await namingFile('look at', name, looking);
    if (flags.json === true) return printJson(fileLine(file));
    if (!isFirst) await printLine('');
    isFirst = false;
    await printLine(statText(file));
  });
}

/** What is known of a file, a line for each. */
function statText(file: FileInfo): string {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['path', printable(file.path)],
    ['kind', file.kind],
    ['size', String(file.size)],
    ['mode', `${octalText(file.mode)} ${modeText(file)}`],
    ['owner', named(file.owner, file.uid)],
    ['group', named(file.group, file.gid)],
    ['links', String(file.linkCount)],
    ['leads to', file.linkTarget === undefined ? undefined : printable(file.linkTarget)],
    ['modified', file.modifyTime.toISOString()],
    ['changed', file.changeTime.toISOString()],
    ['read', file.accessTime.toISOString()],
    ['made', file.createTime?.toISOString()],
    ['version', file.version],
  ];
  return rows
    .flatMap(([what, value]) => (value === undefined ? [] : [`${what.padEnd(10)}${value}`]))
    .join('\n');
}

function named(name: string | undefined, number: number): string {
  return name === undefined ? String(number) : `${printable(name)} (${number})`;
}
