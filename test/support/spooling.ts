import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ProcessSpecSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import type { Clients } from './harness.ts';
import type { Target } from './shell.ts';
import { shellSpec } from './shell.ts';
import type { Tally } from './tally.ts';

export const MIB = 1024 * 1024;

/** Starts a shell script in a session of its own. */
export async function startIn(
  { processes, sessions }: Clients,
  cwd: string,
  script: string,
  more: MessageInitShape<typeof ProcessSpecSchema> = {},
): Promise<Target> {
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  const spec = shellSpec(script, { cwd, ...more });
  const { process } = await processes.startProcess({ sessionId, spec });
  return { sessionId, processId: process?.processId ?? '' };
}

/** Reads all there is of a process, to its end. */
export async function readInto(
  tally: Tally,
  { processes }: Clients,
  target: Target,
): Promise<void> {
  for await (const { events } of processes.watchProcess(target)) tally.take(events);
}

/** The files of the only server that uses a state folder, by their paths. */
export async function spoolFiles(stateFolder: string): Promise<string[]> {
  const found = await readdir(stateFolder, { recursive: true }).catch(() => []);
  return found.filter((name) => name.endsWith('.seg')).map((name) => join(stateFolder, name));
}

/** The most bytes that a process ever had resident. */
export async function peakResident(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}
