import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Act, never, type Outcome } from './act.ts';
import { contentOf } from './look.ts';
import { nonce, type Spot, type Stage } from './stage.ts';
import type { Victim } from './victim.ts';

const KINDS = ['user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'time'];

/** Acts that make or join namespaces, and that change what is mounted. */
export function namespaceActs(stage: Stage, victim: Victim): readonly Act[] {
  // Outside they would do what they say, to the machine that runs the tests.
  return namespaceActsInside(stage, victim).map((act) => ({ ...act, onlyInside: true }));
}

function namespaceActsInside(stage: Stage, victim: Victim): readonly Act[] {
  const pid = String(victim.pid);
  const kinds = KINDS.flatMap((kind) => [
    { name: `make a namespace, by unshare: ${kind}`, does: ['unshare', kind] },
    { name: `make a namespace, by clone3: ${kind}`, does: ['clone3', kind] },
    // There is no flag of clone(2) for that one.
    ...(kind === 'time'
      ? []
      : [{ name: `make a namespace, by clone: ${kind}`, does: ['clone', kind] }]),
    { name: `join a namespace of another: ${kind}`, does: ['setns', pid, kind] },
    { name: `join its own namespace: ${kind}`, does: ['setns-own', kind] },
  ]);
  return [...kinds.map((act) => ({ ...act, allowed: never })), ...mountActs(stage)];
}

function mountActs(stage: Stage): readonly Act[] {
  const folder = stage.path('writable', 'mounts');
  mkdirSync(folder);
  const text = nonce();
  const readOnly = stage.path('read-only');
  const denied = stage.path('denied');
  const hidden = stage.spot(join(denied, 'uncovered'));
  const locked = stage.spot(join(readOnly, 'remounted'));
  const writes =
    ({ file }: Spot) =>
    () =>
      contentOf(file).includes(text);
  const tells =
    ({ secret }: Spot) =>
    ({ told }: Outcome) =>
      told.includes(secret);
  const acts: readonly Omit<Act, 'allowed'>[] = [
    { name: 'mount memory', does: ['mount-tmpfs', folder] },
    { name: 'mount what is outside', does: ['mount-bind', stage.path('outside'), folder] },
    { name: 'mount /proc again', does: ['mount-proc', folder] },
    {
      name: 'have a folder be writable again',
      does: ['remount', readOnly, locked.file, text],
      done: writes(locked),
    },
    { name: 'uncover a folder', does: ['umount', denied, hidden.file], done: tells(hidden) },
    { name: 'uncover a folder at once', does: ['umount-at-once', denied] },
    {
      name: 'have a folder be writable again, as root of a new namespace',
      does: ['remount-as-new-root', readOnly, locked.file, text],
      done: writes(locked),
    },
    {
      name: 'uncover a folder, as root of a new namespace',
      does: ['umount-as-new-root', denied, hidden.file],
      done: tells(hidden),
    },
    { name: 'have another root, by pivot_root', does: ['pivot-root', folder] },
    { name: 'have another root, by chroot', does: ['chroot', folder] },
    { name: 'copy what is mounted, by open_tree', does: ['open-tree', '/'] },
    { name: 'make a file system', does: ['fsopen', 'tmpfs'] },
    { name: 'pick a file system', does: ['fspick', '/'] },
    { name: 'move what is mounted', does: ['move-mount', readOnly, folder] },
    { name: 'change what is mounted', does: ['mount-setattr', readOnly] },
  ];
  return acts.map((act) => ({ ...act, allowed: never }));
}
