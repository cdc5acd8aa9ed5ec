import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RunletError } from '../../src/errors.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { ProcessHost } from '../../src/process/process-host.ts';
import type { Session } from '../../src/session/session.ts';
import { SessionRegistry } from '../../src/session/session-registry.ts';
import { FakeClock, passTime } from '../support/fake-clock.ts';
import { memoryStore } from '../support/output.ts';
import { ScriptedLauncher } from '../support/scripted-launcher.ts';
import { settle } from '../support/settle.ts';

const PRINCIPALS = ['ada', 'ben', 'eve'];
const MAX_SESSIONS = 2;
const MAX_PROCESSES = 3;
const RETENTION_MS = 1_000;

/** What one principal has, as far as it was told. */
interface Model {
  readonly sessions: Map<Session, Set<string>>;
}

function rig() {
  const clock = new FakeClock();
  const launcher = new ScriptedLauncher();
  const limits = {
    ...DEFAULT_LIMITS,
    maxPrincipalSessions: MAX_SESSIONS,
    maxPrincipalProcesses: MAX_PROCESSES,
  };
  const store = memoryStore(clock);
  const host = new ProcessHost({ launcher, clock, limits, environment: new Map(), store });
  let nextId = 1;
  const newId = (): string => `id-${nextId++}`;
  const sessions = new SessionRegistry({ host, clock, limits, newId });
  return { clock, host, launcher, newId, sessions, store };
}

const step = fc.record({
  who: fc.nat(PRINCIPALS.length - 1),
  which: fc.nat(MAX_SESSIONS - 1),
  kind: fc.constantFrom('create', 'close', 'start', 'start', 'start-nothing', 'exit', 'pass'),
});

it('what principals have is counted until it is gone, whatever they do', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    const { clock, host, launcher, newId, sessions } = rig();
    const models = PRINCIPALS.map((): Model => ({ sessions: new Map() }));
    const caller = (who: number) => ({
      name: PRINCIPALS[who] ?? '',
      grants: new Set<never>(),
      sessionId: undefined,
    });
    const start = async (session: Session, ids: Set<string>, argv: readonly string[]) => {
      const processId = newId();
      const request = launcher.request();
      const spec = { ...request.spec, argv, retentionMs: RETENTION_MS };
      const outcome = await session.processes.start({ ...request, processId, spec }).then(
        () => 'started',
        (error: unknown) => (error instanceof RunletError ? error.reason : String(error)),
      );
      if (outcome === 'started') ids.add(processId);
      return outcome;
    };
    for (const { kind, which, who } of steps) {
      const model = models[who];
      if (model === undefined) return;
      const owned = [...model.sessions];
      const count = owned.reduce((sum, [session]) => sum + session.processes.size, 0);
      const [session, ids] = owned[which] ?? [];
      if (kind === 'create') {
        const owner = caller(who).name;
        const options = { id: undefined, labels: new Map(), detachedTtlMs: 1e9, owner };
        const create = (): Session => sessions.create(options);
        if (owned.length >= MAX_SESSIONS) expect(create).toThrow('max_principal_sessions');
        else model.sessions.set(create(), new Set());
      } else if (kind === 'pass') {
        clock.advance(RETENTION_MS);
        await settle();
      } else if (kind === 'exit') {
        launcher.exitOne();
        await settle();
      } else if (session === undefined || ids === undefined) {
        continue;
      } else if (kind === 'close') {
        model.sessions.delete(session);
        await passTime(clock, sessions.close(session.id, caller(who)));
      } else {
        const full = count >= MAX_PROCESSES;
        const argv = kind === 'start' ? ['/bin/true'] : ['no-such-program'];
        const expected = kind === 'start' ? 'started' : 'START_FAILED';
        expect(await start(session, ids, argv)).toBe(full ? 'LIMIT_EXCEEDED' : expected);
      }
      const all = models.flatMap((one) => [...one.sessions.keys()]);
      expect(sessions.size).toBe(all.length);
      expect(sessions.owners).toBe(models.filter((one) => one.sessions.size > 0).length);
      expect(host.size).toBe(all.reduce((sum, one) => sum + one.processes.size, 0));
    }
    launcher.exitAll();
    for (const [who, model] of models.entries()) {
      for (const session of model.sessions.keys()) {
        await passTime(clock, sessions.close(session.id, caller(who)));
      }
    }
    expect([host.size, host.principals, sessions.size, sessions.owners]).toEqual([0, 0, 0, 0]);
  });
  await fc.assert(property, { numRuns: 60 });
});
