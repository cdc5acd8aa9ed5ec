import { Command, InvalidArgumentError } from 'commander';
import { addFilesOptions, addPathsArgument, type FilesFlags, forEachFile } from './each-file.ts';
import { addExamples } from './examples.ts';
import { namingFile } from './file-words.ts';
import { systemText } from './own-bytes.ts';
import { sandboxExample } from './sandbox-example.ts';
import { secureExample } from './secure-example.ts';

interface MkdirFlags extends FilesFlags {
  readonly parents?: boolean;
  readonly mode?: number;
}

/** `runlet files mkdir` */
export function mkdirCommand(): Command {
  const command = addPathsArgument(
    addFilesOptions(new Command('mkdir'))
      .description('Make folders.')
      .option('-p, --parents', 'make those on the way, too; one that is there is no error')
      .option(
        '-m, --mode <mode>',
        "its permissions, in octal (default: the server's umask)",
        fileMode,
      ),
    'the folders',
  ).action(mkdir);
  return addExamples(
    command,
    [
      {
        command: 'runlet files mkdir -p -m 0700 "$FOLDER/a/b"',
        does: 'Make a folder that its owner alone can enter, and those on the way',
        prints: /^$/,
      },
    ],
    [
      {
        command: 'runlet files mkdir --address "$SERVER" --session "$SESSION" "$FOLDER/c"',
        does: 'Make a folder through a session that is named',
        prints: /^$/,
      },
      sandboxExample('files mkdir', '"$FOLDER/e"', /^$/),
      secureExample('files mkdir', '"$FOLDER/d"', /^$/),
    ],
  );
}

/** Permission bits, in octal. */
function fileMode(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) {
    throw new InvalidArgumentError('it is no mode in octal, such as 0755 or 700');
  }
  return Number.parseInt(text, 8);
}

async function mkdir(names: readonly string[], flags: MkdirFlags): Promise<void> {
  const how = {
    parents: flags.parents === true,
    ...(flags.mode === undefined ? {} : { mode: flags.mode }),
  };
  await forEachFile(flags, names, async (files, { name, path }) => {
    await namingFile('make folder', name, files.makeDirectory(systemText(path), how));
  });
}
