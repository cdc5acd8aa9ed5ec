import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { OutputStream } from '../../../src/gen/runlet/v1/event_pb.ts';
import { collect, outputOf, summarize } from '../../support/events.ts';
import type { Clients } from '../../support/harness.ts';
import type { Act, Outcome, Policy } from './act.ts';
import { deviceActs, removeShared } from './devices.ts';
import { fileActs, ruledFileActs } from './files.ts';
import { kernelActs } from './kernel.ts';
import { startListeners } from './listeners.ts';
import { seen } from './look.ts';
import { namespaceActs } from './namespaces.ts';
import { networkActs } from './network.ts';
import type { PolicyCase } from './policies.ts';
import { privilegeActs } from './privileges.ts';
import { processActs } from './processes.ts';
import { protectedActs } from './protected.ts';
import { Stage } from './stage.ts';
import { startVictim } from './victim.ts';

/** Characters of what an act told that are shown. */
const MAX_SHOWN = 500;

/** Where acts are done, and by whom. */
export interface Performance {
  readonly processes: Clients['processes'];
  /** The path of the server's socket. */
  readonly socket: string;
  /** What the server has in its environment, in no other's. */
  readonly serverSecret: string;
  /** The program that does acts. */
  readonly program: string;
  /** Who does them, a uid; and what a request says to have them be done so. */
  readonly user: number;
  readonly asked: { readonly user?: string };
}

/** What came of all acts under a policy. */
export interface Review {
  /** How many there were. */
  readonly acts: number;
  /** How many of them were done. */
  readonly done: number;
  /** What was other than the policy says, a line each. */
  readonly disagreements: readonly string[];
}

/** Does every act under a policy, and looks at what came of each. */
export async function perform(at: Performance, policyCase: PolicyCase): Promise<Review> {
  const base = mkdtempSync(join(tmpdir(), 'runlet-acts-'));
  const ends: (() => unknown)[] = [() => rmSync(base, { recursive: true, force: true })];
  try {
    const stage = new Stage(base, at.program, at.user);
    const victim = await startVictim(stage);
    ends.push(() => victim.end());
    const listeners = await startListeners(stage);
    ends.push(() => listeners.end());
    const policy: Policy = { ...policyCase, root: at.user === 0 };
    const kinds = [
      fileActs(stage),
      ruledFileActs(stage),
      protectedActs(stage),
      processActs(stage, victim),
      networkActs(listeners, { path: at.socket }),
      privilegeActs(stage, at.serverSecret),
      deviceActs(stage),
      namespaceActs(stage, victim),
      kernelActs(stage),
    ].map((acts) => acts.filter(({ onlyInside }) => policy.confined || !onlyInside));
    ends.push(() => {
      for (const path of removeShared(kinds.flat())) rmSync(path);
    });
    stage.handOver();
    const sandbox = policyCase.sandbox?.(stage);
    const acts = [
      ...kinds.map((kind) => kind.filter(({ atTerminal }) => !atTerminal)),
      kinds.flat().filter(({ atTerminal }) => atTerminal),
    ].filter((kind) => kind.length > 0);
    const outcomes: (readonly [Act, Outcome])[] = [];
    for (const kind of acts) {
      const plan = stage.plan(kind.map(({ does }) => does));
      const terminal = kind.some(({ atTerminal }) => atTerminal) ? { terminal: {} } : {};
      const spec = { argv: [stage.program, 'run', plan], env: {}, ...at.asked, ...terminal };
      const where = sandbox === undefined ? { cwd: '/' } : { sandbox };
      const events = await collect(at.processes.run({ spec: { ...spec, ...where } }));
      const stream = 'terminal' in terminal ? OutputStream.TERMINAL : OutputStream.STDOUT;
      const output = outputOf(events, stream).toString('latin1');
      const results = outcomesOf(output, kind);
      if (results === undefined) {
        throw new Error(`it did not do all acts: ${summarize(events).join('\n')}`);
      }
      outcomes.push(...results);
    }
    // What kept paths from being made is gone soon after the last sandbox.
    if (policy.confined) {
      const missing = stage.rules.filter(({ missingOk }) => missingOk);
      await expect
        .poll(() => missing.filter(({ path }) => seen(path)).map(({ path }) => path))
        .toEqual([]);
    }
    return await review(policy, outcomes);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** What the program that did acts wrote; undefined: not of each. */
function outcomesOf(
  output: string,
  acts: readonly Act[],
): readonly (readonly [Act, Outcome])[] | undefined {
  const lines = [...output.matchAll(/^(\d+)\t(\d+)\t([0-9a-f]*)\r?$/gm)];
  const found = new Map(
    lines.map(([, id, answer, told]): [number, Outcome] => [
      Number(id),
      { answer: Number(answer), told: Buffer.from(told ?? '', 'hex').toString('latin1') },
    ]),
  );
  const outcomes = acts.flatMap((act, index) => {
    const outcome = found.get(index);
    return outcome === undefined ? [] : [[act, outcome] as const];
  });
  return outcomes.length === acts.length ? outcomes : undefined;
}

async function review(
  policy: Policy,
  outcomes: readonly (readonly [Act, Outcome])[],
): Promise<Review> {
  const disagreements: string[] = [];
  let count = 0;
  for (const [act, outcome] of outcomes) {
    const answered = outcome.answer === 0;
    const done = (await act.done?.(outcome)) ?? answered;
    if (done) count += 1;
    const allowed = act.allowed(policy);
    if (allowed === undefined) continue;
    const line = [
      `${act.name}: ${allowed ? 'allowed' : 'not allowed'}, ${done ? 'done' : 'not done'}`,
      `answer ${outcome.answer}, told ${JSON.stringify(outcome.told.slice(0, MAX_SHOWN))}`,
    ].join(', ');
    if (done !== allowed) disagreements.push(line);
    else if (answered !== allowed && act.answersAnyway !== true) {
      disagreements.push(`${line}: the answer is another`);
    }
  }
  return { acts: outcomes.length, done: count, disagreements };
}
