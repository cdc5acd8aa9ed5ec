import { Command } from 'commander';
import { abortedBySignals } from './abort-on-signal.ts';
import { addFilesOptions, addPathsArgument, type FilesFlags, forEachFile } from './each-file.ts';
import { addExamples } from './examples.ts';
import { printFile } from './print-file.ts';
import { sandboxExample } from './sandbox-example.ts';
import { secureExample } from './secure-example.ts';

/** `runlet files cat` */
export function catCommand(): Command {
  const command = addPathsArgument(
    addFilesOptions(new Command('cat')).description('Print what is in files.'),
    'the files',
  ).action(cat);
  return addExamples(
    command,
    [
      {
        command: 'runlet files cat /etc/passwd',
        does: 'Print a file of the server',
        prints: /^root:/,
      },
    ],
    [
      {
        command: 'runlet files cat --address "$SERVER" --session "$SESSION" /etc/passwd',
        does: 'Print a file through a session that is named',
        prints: /^root:/,
      },
      sandboxExample('files cat', '/etc/passwd', /^root:/),
      secureExample('files cat', '/etc/passwd', /^root:/),
    ],
  );
}

async function cat(names: readonly string[], flags: FilesFlags): Promise<void> {
  await abortedBySignals((signal) =>
    forEachFile(flags, names, (files, { name, path }) => printFile(files, name, path, signal)),
  );
}
