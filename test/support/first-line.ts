import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * The first line that a program prints, which is that it has come so far. Rejects if it ends
 * without one: nobody would wait in vain.
 */
export async function firstLineOf(child: ChildProcess): Promise<string> {
  const [line = ''] = await firstLinesOf(child, 1);
  return line;
}

/** So many of them. */
export function firstLinesOf(child: ChildProcess, count: number): Promise<readonly string[]> {
  const { stdout } = child;
  if (stdout === null) throw new Error('its standard output is no pipe');
  const found: string[] = [];
  return new Promise((resolve, reject) => {
    const lines = createInterface(stdout).on('line', (line) => {
      if (found.push(line) === count) resolve(found);
    });
    // Not before all that it printed was read, which may be after its exit.
    lines.once('close', () => reject(new Error('it ended before it had printed that')));
  });
}
