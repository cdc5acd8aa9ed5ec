import { type CopyTask, folderError, makeParents } from './copy-task.ts';
import { namingFile } from './file-words.ts';
import { quotedName } from './human-text.ts';
import { intoFolder } from './into-folder.ts';
import { LocalFileError } from './local-file-error.ts';
import { systemText } from './own-bytes.ts';

/** Copies on the server: no byte of it comes here. */
export async function copyWithin(source: string, target: string, task: CopyTask): Promise<void> {
  const { files, recursive, signal } = task;
  const whole = await intoFolder(files, source, target);
  const file = await namingFile(
    'copy',
    source,
    files.stat(systemText(source), { followLinks: !recursive, signal }),
  );
  if (file.kind === 'directory' && !recursive) throw folderError(source);
  if (whole === source) throw new LocalFileError(`cannot copy ${quotedName(source)} to itself`);
  if (task.parents) await makeParents(whole, task);
  // As cp(1): what a link leads to is copied, but where links are copied as such.
  const copied = recursive
    ? systemText(source)
    : await namingFile('copy', source, files.resolve(systemText(source), { signal }));
  const copying = files.copy(copied, systemText(whole), {
    recursive,
    replace: true,
    signal,
  });
  await namingFile('copy', source, copying);
}
