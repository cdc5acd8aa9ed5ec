import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ProcessSpecSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import type { Harness } from './harness.ts';

/** What names a process in every request. */
export interface Target {
  readonly sessionId: string;
  readonly processId: string;
}

/** The PATH of the tests, for scripts that run programs. */
export const PATH = process.env['PATH'] ?? '';

/** What a script does that is to end with its server, though that is killed and ends nothing. */
export const AS_LONG_AS_THE_SERVER = 'while kill -0 $PPID 2>/dev/null; do sleep 0.2; done';

/** A spec that runs a shell script with a PATH and nothing else in its environment. */
export function shellSpec(
  script: string,
  more: MessageInitShape<typeof ProcessSpecSchema> = {},
): MessageInitShape<typeof ProcessSpecSchema> {
  return { argv: ['/bin/sh', '-c', script], env: { PATH }, ...more };
}

/** Starts a shell script in the harness's session, in the harness's folder. */
export async function startShell(
  { processes, sessionId }: Pick<Harness, 'processes' | 'sessionId'>,
  script: string,
  more: MessageInitShape<typeof ProcessSpecSchema> = {},
  processId = '',
): Promise<Target> {
  const { process } = await processes.startProcess({
    sessionId,
    processId,
    spec: shellSpec(script, more),
  });
  return { sessionId, processId: process?.processId ?? '' };
}

/** Shell code that goes on when {@link release} is called with the same name. */
export function awaitRelease(name: string): string {
  return `while [ ! -e ${name} ]; do sleep 0.01; done`;
}

/** Lets a script in the harness's folder go on. */
export async function release(
  { folder }: { readonly folder: string },
  name: string,
): Promise<void> {
  await writeFile(join(folder, name), '');
}
