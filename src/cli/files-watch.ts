import { Command } from 'commander';
import type { FileChange, WatchEvent } from '../client/index.ts';
import { textOfBytes } from '../system-text.ts';
import { abortedBySignals } from './abort-on-signal.ts';
import { nonEmpty } from './arguments.ts';
import { addFilesOptions, type FilesFlags, withFiles } from './each-file.ts';
import { addExamples } from './examples.ts';
import { base64 } from './file-line.ts';
import { namingFile } from './file-words.ts';
import { quotedName } from './human-text.ts';
import { nameBytes } from './listing.ts';
import { systemText } from './own-bytes.ts';
import { printJson, say } from './print.ts';
import { sandboxExample } from './sandbox-example.ts';
import { secureExample } from './secure-example.ts';
import { standardOutput } from './standard-output.ts';

interface WatchFlags extends FilesFlags {
  readonly recursive?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** `runlet files watch` */
export function watchCommand(): Command {
  const command = addFilesOptions(new Command('watch'))
    .description('Print what changes in a folder, until it is ended.')
    .option('-r, --recursive', 'also in the folders below it')
    .option('-q, --quiet', 'do not say when the watching begins')
    .option('--json', 'print lines of JSON, of which the first says that it has begun')
    .argument('<path>', 'the folder', nonEmpty)
    .action(watch);
  return addExamples(
    command,
    [
      {
        command: 'runlet files watch -r "$FOLDER"',
        does: 'See what changes in a folder and those below it',
        code: null,
        prints: /^runlet: watching '.*'\n/,
      },
      {
        command: 'runlet files watch --json "$FOLDER"',
        does: 'Follow it in a script',
        code: null,
        prints: /^\{"kind":"started"\}\n/,
      },
    ],
    [
      {
        command: 'runlet files watch --address "$SERVER" --session "$SESSION" -q --json "$FOLDER"',
        does: 'Follow it through a session that is named',
        code: null,
        prints: /^\{"kind":"started"\}\n/,
      },
      { ...sandboxExample('files watch', '"$FOLDER"', /^runlet: watching /), code: null },
      { ...secureExample('files watch', '"$FOLDER"', /^runlet: watching /), code: null },
    ],
  );
}

async function watch(given: string, flags: WatchFlags): Promise<void> {
  await abortedBySignals((signal) =>
    withFiles(flags, [given], async (files, [folder]) => {
      if (folder === undefined) return;
      const { name, path } = folder;
      const how = { recursive: flags.recursive === true, signal };
      const events = (await namingFile('watch', name, files.watch(systemText(path), how)))[
        Symbol.asyncIterator
      ]();
      if (flags.json === true) await printJson({ kind: 'started' });
      else if (flags.quiet !== true) say(`watching ${quotedName(name)}`);
      for (;;) {
        const next = await namingFile('watch', name, events.next());
        if (next.done === true) return;
        await (flags.json === true ? printJson(eventLine(next.value)) : tell(next.value));
      }
    }),
  );
}

/** What happened, as `--json` prints it. */
function eventLine(event: WatchEvent): Record<string, unknown> {
  if (event.kind === 'overflow') return { kind: event.kind };
  return {
    kind: event.kind,
    path: event.path,
    rawPath: base64(event.rawPath),
    fromPath: event.fromPath ?? null,
    rawFromPath: base64(event.rawFromPath),
  };
}

async function tell(event: WatchEvent): Promise<void> {
  if (event.kind === 'overflow') {
    say('some changes were missed: what is in the folder may be other than what was told');
    return;
  }
  await standardOutput(1).write(Buffer.concat(lineOf(event)));
}

/** `moved /a -> /b`, with names as they are. */
function lineOf({ fromPath, kind, path, rawFromPath, rawPath }: FileChange): readonly Buffer[] {
  const name = nameBytes(rawPath === undefined ? path : textOfBytes(rawPath));
  const from = rawFromPath === undefined ? fromPath : textOfBytes(rawFromPath);
  const moved = from === undefined ? [] : [nameBytes(from), Buffer.from(' -> ')];
  return [Buffer.from(`${kind} `), ...moved, name, Buffer.from('\n')];
}
