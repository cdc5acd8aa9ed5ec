import { Command } from 'commander';
import { nonEmpty } from './arguments.ts';
import { addFilesOptions, type FilesFlags, withFiles } from './each-file.ts';
import { addExamples } from './examples.ts';
import { namingFile } from './file-words.ts';
import { intoFolder } from './into-folder.ts';
import { systemText } from './own-bytes.ts';
import { sandboxExample } from './sandbox-example.ts';
import { secureExample } from './secure-example.ts';

interface MvFlags extends FilesFlags {
  readonly clobber: boolean;
}

/** `runlet files mv` */
export function mvCommand(): Command {
  const command = addFilesOptions(new Command('mv'))
    .description('Move a file or folder within a file system, or rename it.')
    .option('-n, --no-clobber', 'replace nothing: what is there is an error')
    .argument('<source>', 'what is moved', nonEmpty)
    .argument('<target>', 'its new name, or a folder that is there to put it into', nonEmpty)
    .action(mv);
  return addExamples(
    command,
    [
      {
        command: 'runlet files mkdir "$FOLDER/a" && runlet files mv -n "$FOLDER/a" "$FOLDER/b"',
        does: 'Rename a folder, and replace nothing',
        prints: /^$/,
      },
    ],
    [
      {
        command: 'runlet files mv --address "$SERVER" --session "$SESSION" "$FOLDER/x" "$FOLDER/y"',
        does: 'Be told of what is not there',
        code: 1,
        prints: /^runlet: cannot move '.*\/x'.*\(FILE_NOT_FOUND\)\n$/,
      },
      {
        ...sandboxExample('files mv', '-n "$FOLDER/token" "$FOLDER/moved"', /^$/),
        code: 1,
        prints: /^runlet: cannot move '.*\/token'.*\(FILE_NOT_FOUND\)\n$/,
      },
      {
        ...secureExample('files mv', '"$FOLDER/token" "$FOLDER/moved"', /^$/),
      },
    ],
  );
}

async function mv(source: string, target: string, flags: MvFlags): Promise<void> {
  await withFiles(flags, [source, target], async (files, [from, to]) => {
    if (from === undefined || to === undefined) return;
    const whole = await intoFolder(files, from.path, to.path);
    const moving = files.move(systemText(from.path), systemText(whole), { replace: flags.clobber });
    await namingFile('move', from.name, moving);
  });
}
