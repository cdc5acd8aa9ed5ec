import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { nonce, type Stage } from './stage.ts';

/** A process that nothing confines, of the user who does the acts; it tells what was done to it. */
export interface Victim {
  readonly pid: number;
  /** What its command line, its words and its environment have, each with something after it. */
  readonly secret: string;
  /** What is in the file that is its descriptor 3. */
  readonly held: string;
  /** Where one of its words is. */
  word(index: number): string;
  /** The signals that it got, and its words, in one line. */
  tell(): Promise<string>;
  /** A field of proc_pid_stat(5), by its number there. */
  stat(field: number): number;
  /** A file of its folder in `/proc`. */
  proc(name: string): string;
  end(): Promise<void>;
}

const WORD_LENGTH = 64;

/** Starts one. To be ended. */
export async function startVictim(stage: Stage): Promise<Victim> {
  const secret = nonce();
  const { file, secret: held } = stage.spot(stage.path('outside', 'held'));
  const descriptor = openSync(file, 'r');
  const ids = process.getuid?.() === stage.user ? {} : { uid: stage.user, gid: stage.user };
  const child = spawn(stage.program, ['victim', secret], {
    cwd: stage.path('outside', 'held'),
    env: { SECRET: `${secret}-environment` },
    stdio: ['pipe', 'pipe', 'inherit', descriptor],
    // The leader of a group, as one that gets signals for it.
    detached: true,
    ...ids,
  });
  closeSync(descriptor);
  const { pid, stdin, stdout } = child;
  if (pid === undefined || stdin === null || stdout === null) throw new Error('no victim');
  const lines = createInterface(stdout)[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  const words = Number.parseInt(await line(), 16);
  const proc = (name: string): string => readFileSync(`/proc/${pid}/${name}`, 'latin1');
  return {
    pid,
    secret,
    held,
    word: (index) => (words + WORD_LENGTH * index).toString(16),
    tell: () => {
      stdin.write('\n');
      return line();
    },
    stat: (field) => {
      const text = proc('stat');
      // The third follows the name, which is in parentheses and may have anything in it.
      return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[field - 3]);
    },
    proc,
    end: () => endOf(child),
  };
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
