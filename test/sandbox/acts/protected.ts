import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Act, unconfined } from './act.ts';
import { keptBy, seen } from './look.ts';
import { nonce, type Spot, type Stage } from './stage.ts';

/** Acts by which a path would come to be another's than the rule for it says. */
export function protectedActs(stage: Stage): readonly Act[] {
  return [...onMissing(stage), ...onExisting(stage)];
}

function onMissing(stage: Stage): readonly Act[] {
  const ways: Readonly<Record<string, (path: string, mine: Spot) => readonly string[]>> = {
    create: (path, { text }) => ['create', path, text],
    mkdir: (path) => ['mkdir', path],
    'rename a file to': (path, { file }) => ['rename', file, path],
    'rename a folder to': (path, { folder }) => ['rename', join(folder, 'folder'), path],
    'make a link at': (path, { file }) => ['symlink', file, path],
    'make a hard link at': (path, { file }) => ['link', file, path],
    'make a fifo at': (path) => ['mkfifo', path],
    'bind a socket at': (path) => ['bind', path],
  };
  return (['none', 'read'] as const).flatMap((access) =>
    Object.entries(ways).map(([name, does], index): Act => {
      const parent = stage.path('writable', `m-${access}-${index}`);
      const path = join(parent, 'p');
      const mine = stage.richSpot(join(parent, 'mine'));
      stage.rules.push({ path, access, missingOk: true });
      return {
        name: `${name} a path that is not there, and is ${access}`,
        does: does(path, mine),
        allowed: unconfined,
        done: () => seen(path) !== undefined,
      };
    }),
  );
}

function onExisting(stage: Stage): readonly Act[] {
  const text = nonce();
  const ways: Readonly<Record<string, (top: string, file: string) => readonly string[]>> = {
    unlink: (_, file) => ['unlink', file],
    'rename away': (top, file) => ['rename', file, join(top, 'taken')],
    'rename onto': (top, file) => ['rename', join(top, 'mine'), file],
    exchange: (top, file) => ['exchange', join(top, 'mine'), file],
    'move the folder of': (top, file) => [
      'replace-folder',
      join(top, 'a/b'),
      join(top, 'a/c'),
      join(top, 'a/b'),
      'in',
      file,
      text,
    ],
    'move the folder of the folder of': (top, file) => [
      'replace-folder',
      join(top, 'a'),
      join(top, 'c'),
      join(top, 'a'),
      join(top, 'a/b'),
      'in',
      file,
      text,
    ],
    'exchange the folder of': (top) => ['exchange', join(top, 'a'), join(top, 'other')],
    'remove the folder of': (top) => ['rmdir', join(top, 'a/b')],
  };
  return (['none', 'read', 'none and missing'] as const).flatMap((access) =>
    Object.entries(ways).flatMap(([name, does], index): Act[] => {
      const missing = access === 'none and missing';
      const top = stage.path('writable', `e-${access.replaceAll(' ', '-')}-${index}`);
      const file = join(top, 'a/b/file');
      for (const folder of ['a/b', 'other/b']) mkdirSync(join(top, folder), { recursive: true });
      for (const name of ['mine', 'other/b/file']) writeFileSync(join(top, name), text);
      if (!missing) writeFileSync(file, nonce());
      stage.rules.push({ path: file, access: missing ? 'none' : access, missingOk: missing });
      const kept = keptBy(file);
      // Nothing would come of these where there is nothing.
      const idle = missing
        ? ['unlink', 'rename away', 'exchange', 'remove the folder of'].includes(name)
        : name === 'remove the folder of';
      if (idle) return [];
      return [
        {
          name: `${name} a file that is ${access}`,
          does: does(top, file),
          allowed: unconfined,
          done: () => !kept(),
        },
      ];
    }),
  );
}
