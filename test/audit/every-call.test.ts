import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Audit, AuditRecord } from '../../src/telemetry/audit.ts';
import { type CallTarget, outcomeOf, targetSpec } from '../identity/every-call.ts';
import { targetServers } from '../identity/target-servers.ts';
import { connectClients, serveHere } from '../support/harness.ts';
import { SERVED } from '../support/served-methods.ts';

/** An audit that is in memory, and can be told to be one that cannot be written. */
class KeptAudit implements Audit {
  readonly records: AuditRecord[] = [];
  refuses = false;
  record(record: AuditRecord): void {
    this.records.push(record);
  }
  detailOfStart(): string {
    return '';
  }
}

it('of an audit that is required but cannot be written, what it would tell is refused, and nothing else', async () => {
  const audit = new KeptAudit();
  const served = await serveHere({ audit });
  const { connection, processes, sessions } = connectClients(served.address);
  const servers = targetServers();
  onTestFinished(() => servers.close());
  const port = await servers.start();
  /** Something for a call to be about that no other has touched. */
  const fresh = async (name: string): Promise<CallTarget> => {
    const { session } = await sessions.createSession({});
    const sessionId = session?.sessionId ?? '';
    const { process } = await processes.startProcess({ sessionId, spec: targetSpec() });
    const ended = await processes.startProcess({ sessionId, spec: { argv: ['true'] } });
    const files = join(served.folder, `${name}-${audit.records.length}`);
    await mkdir(files);
    await writeFile(join(files, 'file'), '');
    const processId = process?.processId ?? '';
    const endedId = ended.process?.processId ?? '';
    return { sessionId, processId, endedId, files, marker: join(files, 'marker'), port };
  };
  const refused = new Set<string>();
  const about = new Map<string, string>();
  for (const method of SERVED) {
    const inVain = await fresh(method.name);
    audit.refuses = true;
    const outcome = await outcomeOf(connection, method, inVain);
    if (outcome === 'UNAVAILABLE/AUDIT_UNAVAILABLE') refused.add(method.name);
    audit.refuses = false;
    // Another: one to which something is attached already would be taken over.
    const target = await fresh(method.name);
    about.set(target.sessionId, method.name);
    await outcomeOf(connection, method, target);
  }
  expect(refused).toContain('WriteFile');
  expect(refused).not.toContain('WriteStdin');
  /** What each call was recorded as, but for what its target was made by. */
  const recorded = (): ReadonlySet<string> => {
    const mades = new Map<string, number>();
    const told = new Set<string>();
    for (const { action, sessionId } of audit.records) {
      const key = `${sessionId} ${action}`;
      const count = (mades.get(key) ?? 0) + 1;
      mades.set(key, count);
      // One session and two processes are of the target, whose calls come first.
      const own = action === 'CreateSession' ? 1 : action === 'StartProcess' ? 2 : 0;
      if (action === 'Run' || (about.get(sessionId) === action && count > own)) told.add(action);
    }
    return told;
  };
  // Streams are recorded when they end, which is after their first answer.
  await expect.poll(() => [...recorded()].sort()).toEqual([...refused].sort());
});
