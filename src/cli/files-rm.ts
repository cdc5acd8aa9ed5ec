import { Command } from 'commander';
import { addFilesOptions, addPathsArgument, type FilesFlags, forEachFile } from './each-file.ts';
import { addExamples } from './examples.ts';
import { namingFile } from './file-words.ts';
import { systemText } from './own-bytes.ts';
import { sandboxExample } from './sandbox-example.ts';
import { secureExample } from './secure-example.ts';

interface RmFlags extends FilesFlags {
  readonly recursive?: boolean;
  readonly force?: boolean;
}

/** `runlet files rm` */
export function rmCommand(): Command {
  const command = addPathsArgument(
    addFilesOptions(new Command('rm'))
      .description('Remove files, links (never what they lead to) and empty folders.')
      .option('-r, --recursive', 'remove folders with all that is in them')
      .option('-f, --force', 'it is no error if there is nothing'),
    'what is removed',
  ).action(rm);
  return addExamples(
    command,
    [
      {
        command: 'runlet files rm -rf "$FOLDER/build"',
        does: 'Remove a folder, if it is there',
        prints: /^$/,
      },
    ],
    [
      {
        command: 'runlet files rm --address "$SERVER" --session "$SESSION" -f "$FOLDER/file"',
        does: 'Remove a file through a session that is named',
        prints: /^$/,
      },
      sandboxExample('files rm', '-f "$FOLDER/file"', /^$/),
      secureExample('files rm', '-f "$FOLDER/file"', /^$/),
    ],
  );
}

async function rm(names: readonly string[], flags: RmFlags): Promise<void> {
  const how = { recursive: flags.recursive === true, missingOk: flags.force === true };
  await forEachFile(flags, names, async (files, { name, path }) => {
    await namingFile('remove', name, files.remove(systemText(path), how));
  });
}
