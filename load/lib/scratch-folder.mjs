// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes a folder that is there until it is removed, or until this process exits.
 *
 * @returns {{ path: string, remove: () => void }}
 */
export function makeScratchFolder() {
  const path = mkdtempSync(join(tmpdir(), 'runlet-load-'));
  const removeNow = () => rmSync(path, { recursive: true, force: true });
  process.once('exit', removeNow);
  return {
    path,
    remove: () => {
      process.off('exit', removeNow);
      removeNow();
    },
  };
}
