import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { shellSpec } from './shell.ts';

/** That a start of `id` that failed left nothing: neither a process nor the id in use. */
export async function expectNothingLeft(
  { processes, sessionId, sessions }: Harness,
  id: string,
): Promise<void> {
  expect((await processes.listProcesses({ sessionId })).processes).toEqual([]);
  expect((await sessions.getSession({ sessionId })).session?.processCount).toBe(0);
  const spec = shellSpec('exit 0');
  await processes.startProcess({ sessionId, processId: id, requestId: id, spec });
}
