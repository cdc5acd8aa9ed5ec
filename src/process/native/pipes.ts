import { closeSync } from 'node:fs';
import { errnoNameOf } from '../../errno-name.ts';
import { spawnFailure } from '../start-failure.ts';
import { type Libc, O_CLOEXEC } from './libc.ts';

/** A pipe: the end that the child has, and ours. */
export interface Pipe {
  readonly child: number;
  readonly ours: number;
}

/** The pipes of a child: without one for stdin, or one for stderr, where it has none. */
export interface Pipes {
  readonly stdin: Pipe | undefined;
  readonly stdout: Pipe;
  readonly stderr: Pipe | undefined;
}

/**
 * Makes the pipes of a child.
 *
 * @throws RunletError `START_FAILED`, with none of them left open
 */
export function openPipes(
  libc: Libc,
  which: { readonly stdin: boolean; readonly stderr: boolean },
): Pipes {
  const opened: number[] = [];
  const open = (): [number, number] => {
    const fds = [-1, -1];
    if (libc.pipe2(fds, O_CLOEXEC) !== 0) {
      const failure = spawnFailure(errnoNameOf(libc.errno()));
      for (const fd of opened) closeSync(fd);
      throw failure;
    }
    opened.push(...fds);
    return [fds[0] ?? -1, fds[1] ?? -1];
  };
  const outward = (): Pipe => {
    const [ours, child] = open();
    return { ours, child };
  };
  const inward = (): Pipe => {
    const [child, ours] = open();
    return { child, ours };
  };
  return {
    stdin: which.stdin ? inward() : undefined,
    stdout: outward(),
    stderr: which.stderr ? outward() : undefined,
  };
}
