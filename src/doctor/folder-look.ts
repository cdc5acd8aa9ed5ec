import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Clock } from '../clock.ts';
import { FOLDER_LOOK_MS } from '../limits.ts';
import { within } from '../within.ts';
import type { FolderFacts } from './folder-facts.ts';

/** Looks at a folder; undefined: its file system does not answer. */
export type LookAtFolder = (path: string) => Promise<FolderFacts | undefined>;

/**
 * Looks by a program of its own, which prints the facts as JSON when its last argument is the path:
 * what waits for a file system that does not answer may be impossible to end, and a program that
 * waits with a thread of its own cannot end either. Each folder is looked at once.
 */
export function folderLooks(command: readonly string[], clock: Clock): LookAtFolder {
  const known = new Map<string, Promise<FolderFacts | undefined>>();
  return (path) => {
    let look = known.get(path);
    if (look === undefined) {
      look = lookByProgram([...command, path], clock);
      known.set(path, look);
    }
    return look;
  };
}

async function lookByProgram(
  command: readonly string[],
  clock: Clock,
): Promise<FolderFacts | undefined> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd: '/', stdio: ['ignore', 'pipe', 'ignore'] });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const printed = await within(Promise.race([text(child.stdout), failed]), clock, FOLDER_LOOK_MS);
  if (printed === undefined) {
    child.kill('SIGKILL');
    child.stdout.destroy();
    // It may go on to be there until its file system answers.
    child.unref();
    return undefined;
  }
  return JSON.parse(printed) as FolderFacts;
}
