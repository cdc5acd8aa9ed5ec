import { vi } from 'vitest';
import type { Scenario } from '../scenario.ts';
import { failureOf, type Stage, shell, textOf } from '../stage.ts';
import type { TokenWay } from '../ways.ts';

/** A scenario in which the token of the client is taken back. */
export interface TakenBack extends Omit<Scenario, 'play'> {
  play(stage: Stage, way: TokenWay): Promise<unknown>;
}

/** How long the server and the client may take, in milliseconds: a bound for what hangs. */
const TIMEOUT_MS = 120_000;

/** Writes a line, and another once the scenario lets it. */
const TWO_LINES = 'echo one; until [ -e two ]; do sleep 0.05; done; echo two';

/** What a package does by itself when its token is not accepted any more. */
export const TAKEN_BACK: readonly TakenBack[] = [
  {
    name: 'goes on with the next token when its own is taken back',
    async play(stage, way) {
      const proxy = await stage.throughProxy();
      const spec = shell(stage, TWO_LINES);
      const reader = { reader: 'r', notify_bytes: 4 };
      const follow = stage.begin('follow', { process_id: 'lines', spec, ...reader });
      await follow.note(({ bytes }) => bytes === 4);
      const before = proxy.accepted();
      await way.takeBack(true);
      await vi.waitUntil(() => proxy.accepted() > before, { timeout: TIMEOUT_MS });
      await stage.release('two');
      const { streams, exited } = await follow.facts;
      return { stdout: textOf(streams['stdout']?.data), code: exited?.code };
    },
    expected: { stdout: 'one\ntwo\n', code: 0 },
  },
  {
    name: 'does not try for ever when its token is taken back',
    async play(stage, way) {
      const proxy = await stage.throughProxy();
      const spec = shell(stage, 'exec sleep 1000');
      const follow = stage.begin('follow', { process_id: 'idle', spec, reader: 'r' });
      await follow.note(({ kind }) => kind === 'started');
      const before = proxy.accepted();
      await way.takeBack(false);
      const { code, reason } = await failureOf(follow.facts);
      // One for a call that was refused, one since the file might have had another token.
      return { code, reason, few: proxy.accepted() - before <= 2 };
    },
    expected: { code: 'LOST', reason: 'credentials-refused', few: true },
  },
  {
    name: 'is told what its token is not for',
    async play(stage, way) {
      await way.narrow(['observe']);
      const spec = shell(stage, 'true');
      const follow = stage.perform('follow', { process_id: 'none', spec, reader: 'r' });
      const { code, reason, metadata } = await failureOf(follow);
      return { code, reason, metadata };
    },
    expected: { code: 'PERMISSION_DENIED', reason: 'GRANT_MISSING', metadata: { grant: 'start' } },
  },
];
