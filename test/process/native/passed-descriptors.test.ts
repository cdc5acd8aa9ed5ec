import { closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { F_DUPFD_CLOEXEC, loadLibc } from '../../../src/process/native/libc.ts';
import { passing } from '../../../src/process/native/sandboxed/passed-descriptors.ts';
import { spawnAttributes } from '../../../src/process/native/spawn-attributes.ts';
import { temporaryFolder } from '../../support/harness.ts';

/** Descriptors of this test begin here: nothing else has such numbers. */
const FIRST = 300;
const COUNT = 12;

const libc = loadLibc();

/** Runs a shell with what is passed, which says of each number what it is given there. */
async function givenAt(passed: ReadonlyMap<number, number>, told: string): Promise<string> {
  const numbers = [...passed.keys()].sort((a, b) => a - b).join(' ');
  // Numbers of more than one digit are no redirections of every shell.
  const script = `exec >${told}; for n in ${numbers}; do cat /proc/self/fd/$n; done`;
  await passing(libc, passed, async (actions) => {
    const made = actions();
    const pid = [0];
    const argv = ['sh', '-c', script, null];
    const errno = libc.posixSpawn(pid, '/bin/sh', made, spawnAttributes(libc, []), argv, [null]);
    libc.fileActionsDestroy(made);
    expect(errno).toBe(0);
    const [child = 0] = pid;
    expect(libc.wait4(child, [0], 0, null)).toBe(child);
  });
  return readFileSync(told, 'utf8');
}

describe('descriptors that are passed', () => {
  it('have their numbers, whatever numbers they have here', async () => {
    const folder = await temporaryFolder();
    const fds = Array.from({ length: COUNT }, (_, index) => {
      const path = join(folder, String(index));
      writeFileSync(path, `${index} `);
      const opened = openSync(path, constants.O_RDONLY);
      const fd = libc.fcntl(opened, F_DUPFD_CLOEXEC, FIRST + index);
      closeSync(opened);
      return fd;
    });
    const targets = fc
      .subarray(
        Array.from({ length: COUNT * 2 }, (_, index) => FIRST - 6 + index),
        {
          minLength: COUNT,
          maxLength: COUNT,
        },
      )
      .chain((chosen) => fc.shuffledSubarray(chosen, { minLength: COUNT }));
    try {
      await fc.assert(
        fc.asyncProperty(targets, async (numbers) => {
          const given = numbers.map((number, index) => [number, index] as const);
          const passed = new Map(given.map(([number, index]) => [number, fds[index] ?? -1]));
          const expected = [...given].sort(([a], [b]) => a - b).map(([, index]) => `${index} `);
          expect(await givenAt(passed, join(folder, 'told'))).toBe(expected.join(''));
        }),
        { numRuns: 25 },
      );
    } finally {
      for (const fd of fds) closeSync(fd);
    }
  });
});
