import { isatty } from 'node:tty';
import { Command } from 'commander';
import { abortedBySignals } from './abort-on-signal.ts';
import { nonEmpty } from './arguments.ts';
import { copyDown } from './copy-down.ts';
import { copyProgress } from './copy-progress.ts';
import { type CopyTask, STANDARD_STREAM } from './copy-task.ts';
import { copyUp } from './copy-up.ts';
import { copyWithin } from './copy-within.ts';
import { addExamples } from './examples.ts';
import { withFileSession } from './file-session.ts';
import { RECONNECT_SECONDS } from './reconnect.ts';
import { absoluteRemotePath, parseRemotePath, type RemotePath } from './remote-path.ts';
import { sandboxExample } from './sandbox-example.ts';
import { addFileSandboxOptions, filesWithin, type SandboxFlags } from './sandbox-flags.ts';
import { secureExample } from './secure-example.ts';
import {
  addServerOptions,
  reconnectOption,
  type ServerFlags,
  serverKind,
  withServer,
} from './server-connection.ts';
import { UsageError } from './usage-error.ts';

interface CopyFlags extends ServerFlags, SandboxFlags {
  readonly recursive?: boolean;
  readonly parents?: boolean;
  readonly quiet?: boolean;
}

/** `runlet cp` */
export function cpCommand(): Command {
  const command = addFileSandboxOptions(addServerOptions(new Command('cp')))
    .option('-r, --recursive', 'copy folders, with all that is in them')
    .option('--parents', 'make the folders on the way to the target where they are not there')
    .option('-q, --quiet', 'show no progress; without it a terminal does')
    .addOption(reconnectOption(RECONNECT_SECONDS))
    .argument('<source>', 'what is copied', nonEmpty)
    .argument('<target>', 'where to: the copy, or a folder that is there to put it into', nonEmpty)
    .action(cp);
  return addExamples(
    command,
    [
      {
        command: 'runlet cp ":/etc/passwd" "$FOLDER"',
        does: 'Fetch a file into a folder',
        prints: /^$/,
      },
      {
        command: 'mkdir "$FOLDER/src" && runlet cp -r "$FOLDER/src" ":$FOLDER/copy"',
        does: 'Bring a folder there',
        prints: /^$/,
      },
      {
        command: 'date | runlet cp --parents - ":$FOLDER/new/date"',
        does: 'Write what a command prints into a file there',
        prints: /^$/,
      },
      {
        command: 'runlet cp :/etc/passwd -',
        does: 'Print a file',
        prints: /^root:/,
      },
    ],
    [
      {
        command:
          'runlet cp --address "$SERVER" -q --reconnect-for 1m "$SESSION:/etc/passwd" "$FOLDER/x"',
        does: 'Fetch a file through a session that is named',
        prints: /^$/,
      },
      {
        command: 'runlet cp --address "$SERVER" "$SESSION:/etc/passwd" "$SESSION:$FOLDER/copy"',
        does: 'Copy a file on the server',
        prints: /^$/,
      },
      sandboxExample('cp', ':/etc/passwd "$FOLDER/x"', /^$/),
      secureExample('cp', ':/etc/passwd "$FOLDER/x"', /^$/),
    ],
  );
}

/** What is copied where to, once it is known which side is the server's. */
type Direction =
  | { readonly kind: 'up'; readonly source: string; readonly target: RemotePath }
  | { readonly kind: 'down'; readonly source: RemotePath; readonly target: string }
  | { readonly kind: 'within'; readonly source: RemotePath; readonly target: RemotePath };

function directionOf(source: string, target: string): Direction {
  const [from, to] = [parseRemotePath(source), parseRemotePath(target)];
  if (from !== undefined && to !== undefined) return { kind: 'within', source: from, target: to };
  if (from !== undefined) return { kind: 'down', source: from, target };
  if (to !== undefined) return { kind: 'up', source, target: to };
  throw new UsageError('neither path is on the server: write that one as SESSION:PATH or :PATH');
}

/** The session that is named; undefined: none is. */
function whereOf(direction: Direction): string | undefined {
  switch (direction.kind) {
    case 'up':
      return direction.target.where;
    case 'down':
      return direction.source.where;
    case 'within': {
      const [from, to] = [direction.source.where, direction.target.where];
      if (from !== undefined && to !== undefined && from !== to) {
        throw new UsageError('both paths have to be of one session');
      }
      return from ?? to;
    }
  }
}

async function cp(source: string, target: string, flags: CopyFlags): Promise<void> {
  const direction = directionOf(source, target);
  const where = whereOf(direction);
  await abortedBySignals((signal) =>
    withServer(flags, async (client, address) => {
      const kind = await serverKind(address);
      const copy = copyOf(direction, ({ path }) => absoluteRemotePath(path, kind));
      const within = filesWithin(flags, kind);
      await withFileSession(client, address, where, async ({ files }) => {
        const progress = copyProgress(flags.quiet === true || isShown(target));
        try {
          await copy({
            files: within(files),
            recursive: flags.recursive === true,
            parents: flags.parents === true,
            signal,
            onProgress: progress.show,
          });
        } finally {
          progress.end();
        }
      });
    }),
  );
}

/** What is to be done, with paths as the server takes them. */
function copyOf(
  direction: Direction,
  remote: (path: RemotePath) => string,
): (task: CopyTask) => Promise<void> {
  switch (direction.kind) {
    case 'up': {
      const target = remote(direction.target);
      return (task) => copyUp(direction.source, target, task);
    }
    case 'down': {
      const source = remote(direction.source);
      return (task) => copyDown(source, direction.target, task);
    }
    case 'within': {
      const [source, target] = [remote(direction.source), remote(direction.target)];
      return (task) => copyWithin(source, target, task);
    }
  }
}

/** Whether what is copied is itself what a terminal shows. */
function isShown(target: string): boolean {
  return target === STANDARD_STREAM && isatty(1);
}
