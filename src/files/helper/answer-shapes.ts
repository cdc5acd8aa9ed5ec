import { REASONS } from '../../errors.ts';
import type { OperationName } from '../agent/operations.ts';
import * as is from './shapes.ts';

/* What a helper may answer to each operation. */

const MAX_ID = 0xffff_ffff;

const fileInfo = is.having({
  path: is.text,
  kind: is.oneOf(
    'regular',
    'directory',
    'symlink',
    'fifo',
    'socket',
    'character-device',
    'block-device',
  ),
  size: is.long,
  mode: is.upTo(0o7777),
  uid: is.upTo(MAX_ID),
  gid: is.upTo(MAX_ID),
  owner: is.text,
  group: is.text,
  modifyNs: is.nanoseconds,
  changeNs: is.nanoseconds,
  accessNs: is.nanoseconds,
  birthNs: is.either(is.nothing, is.nanoseconds),
  linkTarget: is.either(is.nothing, is.text),
  linkCount: is.long,
  version: is.text,
});

const failure = is.having({
  operation: is.text,
  path: is.text,
  errnoName: is.text,
  message: is.text,
  entries: is.count,
});

const reason: is.Shape = (value) => typeof value === 'string' && Object.hasOwn(REASONS, value);

const fault = is.having({
  reason,
  failure,
  metadata: is.recordOf(is.text),
});

const identity = is.having({ dev: is.long, ino: is.long });

const listing = is.having({
  files: is.listOf(fileInfo),
  failures: is.listOf(is.having({ reason, failure })),
});

interface Answers {
  readonly piece: is.Shape;
  readonly result: is.Shape;
}

/** Pieces that say nothing are allowed everywhere. */
function answers(result: is.Shape, piece: is.Shape = is.nothing): Answers {
  return { piece: is.either(is.nothing, piece), result };
}

/** Of those that a helper is asked for. */
const ANSWERS: Readonly<Partial<Record<OperationName, Answers>>> = {
  copy: answers(fileInfo),
  createDirectory: answers(fileInfo),
  createSymlink: answers(fileInfo),
  listDirectory: answers(is.nothing, listing),
  move: answers(fileInfo),
  openToRead: answers(is.nothing, is.having({ file: fileInfo, descriptor: is.count })),
  openToWrite: answers(
    is.either(is.nothing, fileInfo),
    is.either(
      is.having({
        kind: is.oneOf('opened'),
        place: is.text,
        file: is.either(is.nothing, is.text),
        descriptor: is.count,
      }),
      is.having({ kind: is.oneOf('begun', 'superseded') }),
      is.having({ kind: is.oneOf('refused'), fault }),
    ),
  ),
  readTree: answers(is.nothing, is.bytes),
  remove: answers(is.count),
  resolvePath: answers(is.text),
  setAttributes: answers(fileInfo),
  stat: answers(fileInfo),
  walkDirectory: answers(is.having({ entries: is.count, truncated: is.flag }), listing),
  watchFolders: answers(
    is.having({ start: identity, incomplete: is.flag }),
    is.having({
      folders: is.listOf(is.having({ below: is.text, watch: is.count })),
      missing: is.listOf(is.text),
      entries: is.listOf(is.text),
    }),
  ),
  writeTree: answers(is.having({ entries: is.count, bytes: is.count }), is.oneOf('wants-more')),
};

/** Whether a helper may be asked for an operation. */
export function isAnswered(operation: string): operation is OperationName {
  return Object.hasOwn(ANSWERS, operation);
}

/** What a helper may answer where a step of this operation was asked for; or where it was given up. */
export function isAnswer(value: unknown, operation: OperationName, isClose: boolean): boolean {
  const allowed = ANSWERS[operation];
  if (allowed === undefined) return false;
  const done = isClose ? is.nothing : allowed.result;
  return is.either(
    is.having({ kind: is.oneOf('piece'), piece: allowed.piece }),
    is.having({ kind: is.oneOf('done'), result: done }),
    is.having({ kind: is.oneOf('fault'), fault }),
    is.having({ kind: is.oneOf('error') }),
  )(value);
}
