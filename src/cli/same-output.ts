import { fstatSync } from 'node:fs';

/**
 * Whether our standard output and standard error are the same terminal, pipe or file. Then
 * whoever reads it expects what is written to both in the order in which the program wrote it.
 */
export function outputsAreSame(): boolean {
  try {
    const [stdout, stderr] = [1, 2].map((fd) => fstatSync(fd, { bigint: true }));
    return stdout?.dev === stderr?.dev && stdout?.ino === stderr?.ino;
  } catch {
    // One of them is closed.
    return false;
  }
}
