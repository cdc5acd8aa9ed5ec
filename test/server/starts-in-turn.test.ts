import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import type { Launcher } from '../../src/process/launcher.ts';
import { ProcessHost } from '../../src/process/process-host.ts';
import { runOnce } from '../../src/server/services/process/run-once.ts';
import { ANY_START } from '../support/any-start.ts';
import { TestCallContext } from '../support/call-context.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { memoryStore } from '../support/output.ts';
import { ScriptedLauncher } from '../support/scripted-launcher.ts';

const newId = (): string => crypto.randomUUID();

/** A host whose launches fail when they are told to, and the names of those that have begun. */
function createHost() {
  const begun: string[] = [];
  const held: (() => void)[] = [];
  const launcher: Launcher = {
    ...new ScriptedLauncher(),
    launch({ arg0 }) {
      begun.push(arg0);
      return new Promise((_, reject) => held.push(() => reject(new Error('it is over'))));
    },
  };
  const clock = new FakeClock();
  const host = new ProcessHost({
    launcher,
    clock,
    limits: DEFAULT_LIMITS,
    environment: new Map(),
    store: memoryStore(clock),
  });
  return { begun, host, endFirst: () => held.shift()?.() };
}

const { spec } = new ScriptedLauncher().request();

describe('many starts of one', () => {
  it.each<[string, (host: ProcessHost, who: string) => Promise<unknown>]>([
    [
      'session',
      (host, who) =>
        host.start({
          id: newId(),
          owner: who,
          principal: 'one',
          spec: { ...spec, arg0: who },
          assertWanted: () => {},
        }),
    ],
    [
      'connection that runs them',
      (host, who) =>
        runOnce({ ...spec, arg0: who }, Buffer.of(), new TestCallContext(who), {
          host,
          limits: DEFAULT_LIMITS,
          newId,
          guardOf: () => ANY_START,
        }).next(),
    ],
  ])('%s do not hold up those of another', async (_, start) => {
    const { begun, endFirst, host } = createHost();
    const asked = [...Array<string>(10).fill('many'), 'few'];
    const over = asked.map((who) => start(host, who).catch(() => {}));
    // As many begin at one time.
    await expect.poll(() => begun).toEqual(['many', 'many']);
    for (let ended = 1; ended <= asked.length; ended++) {
      endFirst();
      await expect.poll(() => begun.length).toBe(Math.min(2 + ended, asked.length));
    }
    await Promise.all(over);
    expect(begun.indexOf('few')).toBe(3);
  });
});
