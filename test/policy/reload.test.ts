import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { servePolicy } from '../../src/cli/serve-policy.ts';
import { collect, outputOf } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

/** Whom these tests call as. */
const SELF = `peer:${process.getuid?.() ?? 0}`;

const ALLOWING = `principals: [{ match: '${SELF}' }]`;
const DENYING = `principals: [{ match: '${SELF}', terminals: false, labels: { team: '*' } }]`;
const BROKEN = 'principals: [{ match:';

it('is in force for the next start while others go on, whatever was there in between', async () => {
  const path = join(await temporaryFolder(), 'policy.yaml');
  const replace = async (text: string): Promise<void> => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  await replace(ALLOWING);
  const lines: string[] = [];
  const logger = pino({ base: null }, { write: (line) => void lines.push(line) });
  const policy = await servePolicy(path, logger);
  onTestFinished(() => policy.close());
  const { processes, sessionId } = await startHarness({ policy: policy.live });

  /** Runs something; whether it was let. */
  const isLet = async (): Promise<boolean> => {
    const run = collect(processes.run({ spec: { argv: ['/bin/echo', 'x'] } }));
    const done = await run.then((events) => outputOf(events).toString()).catch(() => undefined);
    if (done !== undefined) {
      expect(done).toBe('x\n');
      return true;
    }
    const { info, summary } = await failureOf(run);
    expect([summary, info?.metadata['rule']]).toEqual([
      'PERMISSION_DENIED/POLICY_DENIED',
      'labels',
    ]);
    return false;
  };

  const { process: kept } = await processes.startProcess({
    sessionId,
    spec: { argv: ['/bin/cat'], stdin: 2 },
  });
  let over = false;
  const counts = { let: 0, denied: 0 };
  const load = async (): Promise<void> => {
    while (!over) counts[(await isLet()) ? 'let' : 'denied'] += 1;
  };
  const loads = [load(), load(), load()];
  const told = (text: string): number => lines.filter((line) => line.includes(text)).length;
  for (let i = 0; i < 3; i++) {
    await replace(DENYING);
    await expect.poll(isLet, { timeout: 30_000 }).toBe(false);
    await replace(BROKEN);
    await expect.poll(() => told('cannot be taken'), { timeout: 30_000 }).toBe(i + 1);
    expect(await isLet()).toBe(false);
    await replace(ALLOWING);
    await expect.poll(isLet, { timeout: 30_000 }).toBe(true);
  }
  over = true;
  await Promise.all(loads);
  expect(counts.let).toBeGreaterThan(0);
  expect(counts.denied).toBeGreaterThan(0);
  // One line for each file: the first, and six that were taken.
  expect(told('is in force"')).toBe(7);
  // What was started before goes on.
  const target = { sessionId, processId: kept?.processId ?? '' };
  await processes.writeStdin({ ...target, data: Buffer.from('still here'), eof: true });
  const events = await collect(processes.watchProcess(target));
  expect(outputOf(events).toString()).toBe('still here');
});
