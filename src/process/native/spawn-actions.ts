import { constants } from 'node:fs';
import { cText } from './c-text.ts';
import { FILE_ACTIONS_SIZE, type Libc } from './libc.ts';
import type { SpawnGate } from './spawn-gate.ts';

/** The child's ends of its pipes; stdin undefined: end-of-file at once; stderr: as stdout. */
export interface ChildPipes {
  readonly stdin: number | undefined;
  readonly stdout: number;
  readonly stderr: number | undefined;
}

/**
 * What a child does before it becomes its program: its three descriptors, of which the last
 * is needed by the gate, where it stops if there is one. After that nothing is opened, since the
 * limits may forbid it by then. Last of all comes its folder, which may be on a file system that
 * does not answer, as the program may: so that the child does not hold what the server has
 * meanwhile, its listeners above all, it closes everything else before.
 */
export function pipeActions(
  libc: Libc,
  cwd: string,
  pipes: ChildPipes,
  gate: SpawnGate | undefined,
): Buffer {
  const actions = newActions(libc);
  if (pipes.stdin === undefined) {
    libc.fileActionsAddOpen(actions, 0, '/dev/null', constants.O_RDONLY, 0);
  } else {
    libc.fileActionsAddDup2(actions, pipes.stdin, 0);
  }
  libc.fileActionsAddDup2(actions, pipes.stdout, 1);
  gate?.addTo(actions);
  libc.fileActionsAddDup2(actions, pipes.stderr ?? pipes.stdout, 2);
  enterAlone(libc, actions, cwd);
  return actions;
}

/**
 * The same for a child with a terminal. Opened by the leader of a session that has none
 * yet, it becomes the session's controlling terminal: the session is made before
 * these actions are done.
 */
export function terminalActions(
  libc: Libc,
  cwd: string,
  path: string,
  gate: SpawnGate | undefined,
): Buffer {
  const actions = newActions(libc);
  libc.fileActionsAddOpen(actions, 0, path, constants.O_RDWR, 0);
  libc.fileActionsAddDup2(actions, 0, 1);
  gate?.addTo(actions);
  libc.fileActionsAddDup2(actions, 0, 2);
  enterAlone(libc, actions, cwd);
  return actions;
}

function enterAlone(libc: Libc, actions: Buffer, cwd: string): void {
  libc.fileActionsAddClosefrom?.(actions, 3);
  libc.fileActionsAddChdir(actions, cText(cwd));
}

/** None yet. To be destroyed in the end. */
export function newActions(libc: Libc): Buffer {
  const actions = Buffer.alloc(FILE_ACTIONS_SIZE);
  libc.fileActionsInit(actions);
  return actions;
}
