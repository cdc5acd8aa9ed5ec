import { removePlaceholder, removePlaceholders } from '../../sandbox/agent/placeholders.ts';
import { prepareMounts } from '../../sandbox/agent/prepare-mounts.ts';
import type { TemporaryRecord } from '../temporary-record.ts';
import type { Agent } from './agent.ts';
import { setAttributes } from './attributes.ts';
import { copy } from './copy.ts';
import { createDirectory, createSymlink } from './create.ts';
import { findSocket } from './find-socket.ts';
import { listDirectory } from './list.ts';
import { move } from './move.ts';
import { openToWrite, writeOpened } from './open-to-write.ts';
import { openToRead, readFile, readOpened } from './read-file.ts';
import { readTree } from './read-tree.ts';
import { remove } from './remove.ts';
import { removeTemporary } from './remove-temporary.ts';
import { resolvePath, stat } from './stat.ts';
import { walkDirectory } from './walk.ts';
import { watchFolders } from './watch.ts';
import { writeFile } from './write-file.ts';
import { writeTree } from './write-tree.ts';

/**
 * Everything that an agent does, by its name. An operation is a function that answers at once, or
 * a generator that does some milliseconds' work or one piece at a time: it yields a piece, or
 * undefined to let others have a turn, is given what the next step takes, and returns the answer.
 * One that is given up is returned from, so that its `finally` frees what it holds. It may throw a
 * FileFault, or an error of the system. Arguments, pieces and answers are cloned; a piece that is
 * an `Uint8Array`, or has one as `bytes`, is handed over, and must not be used again. What a piece
 * has as `descriptor` is passed to another process where it is told to one: it stays open until the
 * next step.
 */
export const OPERATIONS = {
  copy,
  createDirectory,
  createSymlink,
  findSocket,
  listDirectory,
  move,
  openToRead,
  openToWrite,
  prepareMounts,
  readFile,
  readOpened,
  readTree,
  remove,
  removePlaceholder,
  removePlaceholders,
  removeTemporary: (_agent: Agent, record: TemporaryRecord) => removeTemporary(record),
  resolvePath,
  setAttributes,
  stat,
  walkDirectory,
  watchFolders,
  writeFile,
  writeOpened,
  writeTree,
} as const satisfies Readonly<Record<string, Operation>>;

type Operation = (agent: Agent, args: never) => unknown;

/** The names of operations. */
export type OperationName = keyof typeof OPERATIONS;

/** What an operation takes. */
export type OperationArgs<K extends OperationName> = Parameters<(typeof OPERATIONS)[K]>[1];

type Outcome<K extends OperationName> = ReturnType<(typeof OPERATIONS)[K]>;

/** What an operation answers. */
export type OperationResult<K extends OperationName> =
  Outcome<K> extends Generator<unknown, infer R, never> ? R : Outcome<K>;

/** What it yields before. */
export type OperationPiece<K extends OperationName> =
  Outcome<K> extends Generator<infer P, unknown, never> ? Exclude<P, undefined> : never;

/** What each of its steps is given. */
export type OperationInput<K extends OperationName> =
  Outcome<K> extends Generator<unknown, unknown, infer I> ? Exclude<I, undefined> : never;
