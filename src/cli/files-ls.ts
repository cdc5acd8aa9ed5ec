import { Command } from 'commander';
import type { FileFailureInfo, FileInfo } from '../client/index.ts';
import { bytesOfText, textOfBytes } from '../system-text.ts';
import { abortedBySignals } from './abort-on-signal.ts';
import {
  addFilesOptions,
  addPathsArgument,
  type Files,
  type FilesFlags,
  forEachFile,
} from './each-file.ts';
import { addExamples } from './examples.ts';
import { fail } from './failure.ts';
import { fileLine } from './file-line.ts';
import { errnoWords, namingFile } from './file-words.ts';
import { quotedName } from './human-text.ts';
import { type ListedFile, listing, nameBytes } from './listing.ts';
import { LocalFileError } from './local-file-error.ts';
import { NamedError } from './named-error.ts';
import { systemText } from './own-bytes.ts';
import { printJson } from './print.ts';
import { lastName, pathBelow } from './remote-path.ts';
import { sandboxExample } from './sandbox-example.ts';
import { secureExample } from './secure-example.ts';
import { standardOutput } from './standard-output.ts';

interface LsFlags extends FilesFlags {
  readonly all?: boolean;
  readonly directory?: boolean;
  readonly long?: boolean;
  readonly recursive?: boolean;
  readonly json?: boolean;
}

/** `runlet files ls` */
export function lsCommand(): Command {
  const command = addPathsArgument(
    addFilesOptions(new Command('ls'))
      .description('List what is in folders, sorted by the bytes of names.')
      .option('-a, --all', 'also what begins with a dot')
      .option('-d, --directory', 'folders themselves, and not what is in them')
      .option('-l, --long', 'with kind, permissions, owner, group, size and time')
      .option('-R, --recursive', 'also what is in the folders in them')
      .option('--json', 'print a line of JSON for each'),
    'the folders, or files',
  ).action(ls);
  return addExamples(
    command,
    [
      {
        command: 'runlet files ls -la /',
        does: 'See what is in a folder',
        prints: /^(?:[-dlbcps][-rwxsStT]{9} .*\n)+$/,
      },
      {
        command: 'runlet files ls -R --json "$FOLDER"',
        does: 'List a folder, and those in it, for a script',
        prints: /^(?:\{"path":".*\}\n)*$/,
      },
    ],
    [
      {
        command: 'runlet files ls --address "$SERVER" --session "$SESSION" -d /',
        does: 'List a folder itself through a session that is named',
        prints: /^\/\n$/,
      },
      sandboxExample('files ls', '-d /etc', /^\/etc\n$/),
      secureExample('files ls', '-d /', /^\/\n$/),
    ],
  );
}

async function ls(names: readonly string[], flags: LsFlags): Promise<void> {
  const withHeads = names.length > 1 || flags.recursive === true;
  let isFirst = true;
  const head = async (path: string): Promise<void> => {
    if (!withHeads || flags.json === true) return;
    const gap = isFirst ? '' : '\n';
    await print([Buffer.from(gap), nameBytes(path), Buffer.from(':')]);
  };
  await abortedBySignals((signal) =>
    forEachFile(flags, names, async (files, { name, path }) => {
      const file = await namingFile('look at', name, lookAt(files, path, flags));
      if (file.kind !== 'directory' || flags.directory === true) {
        await show([{ name, file }], flags);
        isFirst = false;
        return;
      }
      // Those that wait for their turn, the next last.
      const waiting = [{ name, path }];
      for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
        signal.throwIfAborted();
        const at = folder;
        const inside = await namingFile('list', at.name, entriesOf(files, at.path, signal)).catch(
          (error: unknown) => {
            if (at.path === path || !(error instanceof NamedError)) throw error;
            // One of many, which is no reason to leave the others.
            fail(error);
            return [];
          },
        );
        const shown = inside.filter((entry) => flags.all === true || !entry.name.startsWith('.'));
        await head(at.name);
        isFirst = false;
        await show(shown, flags);
        if (flags.recursive !== true) continue;
        const folders = shown.filter((entry) => entry.file.kind === 'directory');
        for (const each of folders.toReversed()) {
          waiting.push({
            name: pathBelow(at.name, each.name),
            path: pathBelow(at.path, each.name),
          });
        }
      }
    }),
  );
}

/** A link to a folder is taken for that folder, but where it is to be described. */
async function lookAt(files: Files, path: string, flags: LsFlags): Promise<FileInfo> {
  const file = await files.stat(systemText(path), { followLinks: false });
  const stays = file.kind !== 'symlink' || flags.long === true || flags.directory === true;
  if (stays) return file;
  return files.stat(systemText(path)).catch(() => file);
}

async function show(entries: readonly ListedFile[], flags: LsFlags): Promise<void> {
  if (flags.json === true) {
    for (const { file } of entries) await printJson(fileLine(file));
    return;
  }
  const lines = listing(entries, flags.long === true);
  if (lines.length > 0) await standardOutput(1).write(lines);
}

async function print(parts: readonly Buffer[]): Promise<void> {
  await standardOutput(1).write(Buffer.concat([...parts, Buffer.from('\n')]));
}

/** What is in a folder, sorted. What cannot be looked at is said, and is no reason to leave the rest. */
async function entriesOf(
  files: Files,
  folder: string,
  signal: AbortSignal,
): Promise<readonly ListedFile[]> {
  const found: (ListedFile & { readonly key: Buffer })[] = [];
  for await (const file of files.list(systemText(folder), { onFailure: sayFailure, signal })) {
    const name = lastName(file.rawPath === undefined ? file.path : textOfBytes(file.rawPath));
    found.push({ name, file, key: bytesOfText(name) });
  }
  return found.sort((a, b) => Buffer.compare(a.key, b.key));
}

function sayFailure({ errnoName, message, path, reason }: FileFailureInfo): void {
  const why = errnoWords(errnoName) ?? message;
  fail(new LocalFileError(`cannot look at ${quotedName(path)}: ${why} (${reason})`));
}
