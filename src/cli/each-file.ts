import type { Command } from 'commander';
import { ConnectionError, type RemoteSession, SessionLostError } from '../client/index.ts';
import { collect, nonEmpty } from './arguments.ts';
import { fail } from './failure.ts';
import { withFileSession } from './file-session.ts';
import { absoluteRemotePath, parseRemotePath } from './remote-path.ts';
import { addFileSandboxOptions, filesWithin, type SandboxFlags } from './sandbox-flags.ts';
import { addServerOptions, type ServerFlags, serverKind, withServer } from './server-connection.ts';
import { UsageError } from './usage-error.ts';

/** The files of a session. */
export type Files = RemoteSession['files'];

/** The flags with which a command about files finds them. */
export interface FilesFlags extends ServerFlags, SandboxFlags {
  readonly session?: string;
}

/** A file that is meant. */
export interface NamedFile {
  /** As it was typed, without the session. */
  readonly name: string;
  /** The same for the server. */
  readonly path: string;
}

/** Adds to a command what every one about files of a server has: where they are. */
export function addFilesOptions(command: Command): Command {
  const withServer = addServerOptions(command).option(
    '--session <id>',
    'the session, or a process in it (default: that of the last process, or a new one)',
    nonEmpty,
  );
  return addFileSandboxOptions(withServer);
}

/** Adds the argument that names one file or more. */
export function addPathsArgument(command: Command, what: string): Command {
  return command.argument('<path...>', what, (text, earlier?: readonly string[]) =>
    collect(nonEmpty(text), earlier),
  );
}

/** Does something with files that are named, in the session that is meant. */
export async function withFiles<T>(
  flags: FilesFlags,
  names: readonly string[],
  use: (files: Files, named: readonly NamedFile[]) => Promise<T>,
): Promise<T> {
  const parsed = names.map((name) => parseRemotePath(name) ?? { where: undefined, path: name });
  const wheres = new Set([flags.session, ...parsed.map(({ where }) => where)]);
  wheres.delete(undefined);
  const [where, another] = wheres;
  if (another !== undefined) throw new UsageError('all paths have to be of one session');
  return withServer(flags, async (client, address) => {
    const kind = await serverKind(address);
    const named = parsed.map(({ path }) => ({ name: path, path: absoluteRemotePath(path, kind) }));
    const within = filesWithin(flags, kind);
    return withFileSession(client, address, where, ({ files }) => use(within(files), named));
  });
}

/**
 * Does something with each. That one of them fails is said, and is no reason to leave the others.
 *
 * @throws what failed, if it is the only one
 */
export async function forEachFile(
  flags: FilesFlags,
  names: readonly string[],
  act: (files: Files, file: NamedFile) => Promise<void>,
): Promise<void> {
  await withFiles(flags, names, async (files, named) => {
    for (const file of named) {
      try {
        await act(files, file);
      } catch (error) {
        if (named.length === 1 || endsAll(error)) throw error;
        fail(error);
      }
    }
  });
}

/** Whether what failed fails for all others, too: there is no server, no reader, or no wish any more. */
function endsAll(error: unknown): boolean {
  if (error instanceof ConnectionError || error instanceof SessionLostError) return true;
  if (!(error instanceof Error)) return true;
  return error.name === 'AbortError' || ('code' in error && error.code === 'EPIPE');
}
