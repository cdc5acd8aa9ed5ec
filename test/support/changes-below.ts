import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';

/** Something that is done in a folder, by paths below it. */
export type ChangeBelow =
  | { readonly kind: 'file' | 'folder' | 'remove'; readonly path: string }
  | { readonly kind: 'move'; readonly path: string; readonly to: string };

const NAMES = ['a', 'b', 'c'];
const PATHS = [
  ...NAMES,
  ...NAMES.flatMap((one) => NAMES.map((two) => `${one}/${two}`)),
  ...NAMES.flatMap((one) => NAMES.flatMap((two) => NAMES.map((three) => `${one}/${two}/${three}`))),
];
const path = fc.constantFrom(...PATHS);

/** Changes of a few names in folders three deep, so that these meet again and again. */
export const changesBelow: fc.Arbitrary<ChangeBelow> = fc.oneof(
  fc.record({ kind: fc.constantFrom('file' as const, 'remove' as const), path }),
  { arbitrary: fc.record({ kind: fc.constant('folder' as const), path }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('move' as const), path, to: path }), weight: 2 },
);

/** Does it, as far as it can be done, before anybody can look. */
export function operate(folder: string, todo: ChangeBelow | undefined): void {
  if (todo === undefined) return;
  const at = join(folder, todo.path);
  try {
    if (todo.kind === 'file') writeFileSync(at, '');
    if (todo.kind === 'folder') mkdirSync(at);
    if (todo.kind === 'remove') rmSync(at, { recursive: true });
    if (todo.kind === 'move') renameSync(at, join(folder, todo.to));
  } catch {
    // There is nothing, or it cannot be there.
  }
}
