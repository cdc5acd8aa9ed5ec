import { mkdtemp, readdir, readlink, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ZERO_OFFSETS } from '../../../src/output/event.ts';
import type { BlockHeader } from '../../../src/output/spool/block.ts';
import { openSpool, type Spool, type SpoolOptions } from '../../../src/output/spool/spool.ts';
import { SpoolError } from '../../../src/output/spool/spool-error.ts';

/** A folder for the rest of the test. */
export async function stateFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'runlet-spool-')));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A spool for the rest of the test, with a state folder of its own if none is given. */
export async function testSpool(
  options: Partial<SpoolOptions> = {},
): Promise<{ readonly spool: Spool; readonly folder: string }> {
  const folder = options.stateFolder ?? (await stateFolder());
  const spool = await openSpool({ ...options, stateFolder: folder });
  onTestFinished(() => spool.close());
  return { spool, folder };
}

/** The header of a block that begins with this event. */
export function blockHeader(firstSeq: number, eventCount = 1): BlockHeader {
  return { firstSeq, eventCount, before: { ...ZERO_OFFSETS, stdout: firstSeq * 10 } };
}

/** Bytes that differ from those of another seed. */
export function bytesOf(length: number, seed: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (seed * 31 + i * 7 + (i >> 8)) & 0xff));
}

/** The run folders in a state folder, by their paths. */
export async function runFolders(folder: string): Promise<string[]> {
  return (await readdir(folder)).map((name) => join(folder, name));
}

/** The segment files in the only run folder. */
export async function segmentFiles(folder: string): Promise<string[]> {
  const [run = folder] = await runFolders(folder);
  const names = await readdir(run);
  return names
    .filter((name) => name.endsWith('.seg'))
    .sort()
    .map((name) => join(run, name));
}

/** What the descriptors of this process lead to in a folder; nothing where proc(5) is missing. */
export async function openDescriptors(folder: string): Promise<string[]> {
  const names = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(
    names.map((name) => readlink(join('/proc/self/fd', name)).catch(() => '')),
  );
  return targets.filter((target) => target.startsWith(folder));
}

/** Those of them that are of files of blocks; a spool that is open has another. */
export async function openSegments(folder: string): Promise<string[]> {
  const descriptors = await openDescriptors(folder);
  return descriptors.filter((target) => !/\/owner(?: \(deleted\))?$/.test(target));
}

/** How something failed, which must fail with a {@link SpoolError}: `write/ENOSPC`. */
export async function spoolFailure(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error;
    return `${error.operation}/${error.errnoName}`;
  }
  throw new Error('it succeeded');
}
