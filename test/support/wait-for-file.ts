import { watch } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Resolves when there is a file of this name. */
export async function waitForFile(path: string): Promise<void> {
  const watcher = watch(dirname(path));
  try {
    await new Promise<void>((resolve) => {
      const look = (): void => void access(path).then(resolve, () => {});
      watcher.on('change', look);
      look();
    });
  } finally {
    watcher.close();
  }
}
