import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunletError } from '../../src/errors.ts';
import { ANYBODY } from '../../src/identity/principal.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { ProcessHost } from '../../src/process/process-host.ts';
import type { Attachment } from '../../src/session/attachment.ts';
import type { Session } from '../../src/session/session.ts';
import type { SessionEvent } from '../../src/session/session-event.ts';
import { SessionRegistry } from '../../src/session/session-registry.ts';
import type { AttachMode, Holder } from '../../src/session/session-state.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { memoryStore } from '../support/output.ts';
import { ScriptedLauncher } from '../support/scripted-launcher.ts';

const TTL_MS = 1_000;
const ID = '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52';

/** One client's attachment, as the test knows it. */
interface Client {
  readonly attachment: Attachment;
  readonly session: Session;
  readonly events: SessionEvent[];
  ended: string | undefined;
  /** Calls that carry its id, and how they failed. */
  readonly calls: { failed: string | undefined; readonly leave: () => void }[];
  leave: () => void;
  streaming: boolean;
}

/** What the test believes of the one session that it plays with. */
interface Model {
  alive: boolean;
  held: number;
  deadline: number;
  latest: Client | undefined;
  attached: boolean;
  readonly clients: Client[];
  running: number;
}

class Rig {
  readonly clock = new FakeClock();
  readonly launcher = new ScriptedLauncher();
  readonly registry: SessionRegistry;
  #ids = 0;

  constructor() {
    const limits = DEFAULT_LIMITS;
    const { clock, launcher } = this;
    const host = new ProcessHost({
      launcher,
      clock,
      limits,
      environment: new Map(),
      store: memoryStore(clock),
    });
    const newId = (): string => `00000000-0000-4000-8000-${String(this.#ids++).padStart(12, '0')}`;
    this.registry = new SessionRegistry({ host, clock, limits, newId });
  }

  /** Creates or finds the session, as `CreateSession` does. */
  create(): Session {
    return this.registry.create({
      id: ID,
      labels: new Map(),
      detachedTtlMs: TTL_MS,
      owner: ANYBODY.name,
    });
  }
}

function reasonOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof RunletError ? error.reason : String(error);
  }
}

type Step = fc.AsyncCommand<Model, Rig>;

/** A step, and what holds after every one. */
abstract class SessionStep implements Step {
  check(): boolean {
    return true;
  }

  async run(model: Model, rig: Rig): Promise<void> {
    await this.act(model, rig);
    await new Promise(setImmediate);
    expect(rig.registry.size).toBe(model.alive ? 1 : 0);
    for (const client of model.clients) {
      // Nothing reaches a client after its end, and only the latest is not fenced.
      const fenced = client === model.latest ? undefined : 'ATTACHMENT_SUPERSEDED';
      expect(client.streaming).toBe(client === model.latest && model.attached);
      for (const call of client.calls) expect(call.failed).toBe(fenced);
    }
    if (model.alive) expect(rig.registry.get(ID, ANYBODY).attached).toBe(model.attached);
  }

  die(model: Model): void {
    model.alive = false;
    model.held = 0;
    model.attached = false;
    model.latest = undefined;
    model.running = 0;
    // A later session with the same id knows nothing of them.
    model.clients.splice(0);
  }

  release(model: Model, rig: Rig): void {
    model.held -= 1;
    if (model.held === 0) model.deadline = rig.clock.now() + TTL_MS;
  }

  abstract act(model: Model, rig: Rig): Promise<void> | void;
  abstract toString(): string;
}

class Create extends SessionStep {
  act(model: Model, rig: Rig): void {
    rig.create();
    if (model.alive) return;
    model.alive = true;
    model.deadline = rig.clock.now() + TTL_MS;
  }
  toString(): string {
    return 'create';
  }
}

class Attach extends SessionStep {
  readonly #mode: AttachMode;
  readonly #holder: Holder | undefined;
  constructor(mode: AttachMode, holder: Holder | undefined) {
    super();
    this.#mode = mode;
    this.#holder = holder;
  }
  act(model: Model, rig: Rig): void {
    if (!model.alive) {
      expect(reasonOf(() => rig.registry.get(ID, ANYBODY))).toBe('SESSION_NOT_FOUND');
      return;
    }
    const session = rig.registry.get(ID, ANYBODY);
    const leave = session.enter(undefined, () => {});
    const events: SessionEvent[] = [];
    let client: Client | undefined;
    const attach = (): Attachment =>
      session.attach(this.#mode, this.#holder, {
        onEvent: (event) => {
          expect(client?.ended).toBeUndefined();
          events.push(event);
        },
        onEnd: (why) => {
          if (client === undefined) return;
          expect(client.ended).toBeUndefined();
          client.ended = why.reason;
          // As a call does that failed.
          if (!client.streaming) return;
          client.streaming = false;
          session.detach(client.attachment);
          client.leave();
          if (model.alive) this.release(model, rig);
        },
      });
    const refusal = this.#refusal(model);
    if (refusal !== undefined) {
      expect(reasonOf(attach)).toBe(refusal);
      leave();
      // A call that named the session is over.
      if (model.held === 0) model.deadline = rig.clock.now() + TTL_MS;
      return;
    }
    model.held += 1;
    const attachment = attach();
    client = { attachment, session, events, ended: undefined, calls: [], leave, streaming: true };
    model.clients.push(client);
    model.latest = client;
    model.attached = true;
  }
  /** Why it must fail; undefined: it must not. */
  #refusal({ attached, clients, latest }: Model): string | undefined {
    const theirs = latest?.attachment.holder;
    const same = this.#holder !== undefined && theirs?.id === this.#holder.id;
    // Whoever attached since, a connection that was given up must not take over.
    for (const { attachment } of clients) {
      const { holder } = attachment;
      if (holder === undefined || holder.id !== this.#holder?.id) continue;
      if (this.#holder.attempt <= holder.attempt) return 'ATTACHMENT_SUPERSEDED';
    }
    if (this.#mode === 'resume' && latest === undefined) return 'SESSION_NOT_FOUND';
    if (this.#mode === 'resume' && !same) return 'ATTACHMENT_SUPERSEDED';
    return this.#mode === 'reject-if-attached' && attached && !same
      ? 'SESSION_ALREADY_ATTACHED'
      : undefined;
  }
  toString(): string {
    return `attach(${this.#mode}, ${JSON.stringify(this.#holder)})`;
  }
}

class Detach extends SessionStep {
  act(model: Model, rig: Rig): void {
    const client = model.latest;
    if (client === undefined || !client.streaming) return;
    client.streaming = false;
    client.session.detach(client.attachment);
    client.leave();
    model.attached = false;
    this.release(model, rig);
  }
  toString(): string {
    return 'detach';
  }
}

class Call extends SessionStep {
  readonly #which: number;
  constructor(which: number) {
    super();
    this.#which = which;
  }
  act(model: Model, rig: Rig): void {
    const client = model.clients[this.#which % Math.max(1, model.clients.length)];
    if (!model.alive || client === undefined) return;
    const call: Client['calls'][number] = { failed: undefined, leave: () => {} };
    let leave = (): void => {};
    const why = reasonOf(() => {
      leave = rig.registry.get(ID, ANYBODY).enter(client.attachment.id, (error) => {
        call.failed = error.reason;
        leave();
        this.release(model, rig);
      });
    });
    expect(why).toBe(client === model.latest ? undefined : 'ATTACHMENT_SUPERSEDED');
    if (why !== undefined) return;
    model.held += 1;
    client.calls.push(Object.assign(call, { leave: () => leave() }));
  }
  toString(): string {
    return `call(${this.#which})`;
  }
}

class EndCalls extends SessionStep {
  act(model: Model, rig: Rig): void {
    for (const client of model.clients) {
      for (const call of client.calls.splice(0)) {
        if (call.failed !== undefined) continue;
        call.leave();
        if (model.alive && client === model.latest) this.release(model, rig);
      }
    }
  }
  toString(): string {
    return 'end calls';
  }
}

class Start extends SessionStep {
  async act(model: Model, rig: Rig): Promise<void> {
    if (!model.alive) return;
    const before = model.attached ? model.latest?.events.length : undefined;
    const process = await rig.registry.get(ID, ANYBODY).processes.start(rig.launcher.request());
    model.running += 1;
    if (before === undefined) return;
    expect(model.latest?.events.slice(before)).toEqual([{ kind: 'process-started', process }]);
  }
  toString(): string {
    return 'start';
  }
}

class Exit extends SessionStep {
  async act(model: Model, rig: Rig): Promise<void> {
    if (!model.alive || model.running === 0) return;
    const before = model.attached ? model.latest?.events.length : undefined;
    rig.launcher.exitOne();
    await new Promise(setImmediate);
    model.running -= 1;
    if (before === undefined) return;
    const kinds = model.latest?.events.slice(before).map(({ kind }) => kind);
    expect(kinds).toEqual(['process-exited', 'process-closed']);
  }
  toString(): string {
    return 'exit';
  }
}

class Pass extends SessionStep {
  readonly #ms: number;
  readonly #sweeps: boolean;
  constructor(ms: number, sweeps: boolean) {
    super();
    this.#ms = ms;
    this.#sweeps = sweeps;
  }
  act(model: Model, rig: Rig): void {
    if (this.#sweeps) rig.clock.advance(this.#ms);
    else rig.clock.skip(this.#ms);
    const over = model.alive && model.held === 0 && rig.clock.now() >= model.deadline;
    // Whether the sweeper was there or not, nobody finds it.
    if (over) expect(reasonOf(() => rig.registry.get(ID, ANYBODY))).toBe('SESSION_NOT_FOUND');
    if (!over) return;
    this.die(model);
    rig.launcher.exitAll();
  }
  toString(): string {
    return `pass(${this.#ms}, ${this.#sweeps})`;
  }
}

class Close extends SessionStep {
  async act(model: Model, rig: Rig): Promise<void> {
    const client = model.latest;
    const wasAttached = model.attached;
    const wasAlive = model.alive;
    this.die(model);
    const closing = rig.registry.close(ID, ANYBODY).catch((error: RunletError) => error.reason);
    if (!wasAlive) return;
    rig.launcher.exitAll();
    if (wasAttached) expect(client?.ended).toBe('SESSION_CLOSED');
    await closing;
    expect(await rig.registry.close(ID, ANYBODY)).toBeUndefined();
  }
  toString(): string {
    return 'close';
  }
}

describe('a session, whatever is done to it', () => {
  it('is what the model of its state machine says', async () => {
    const steps = [
      fc.constant(new Create()),
      fc
        .tuple(
          fc.constantFrom<AttachMode>('take-over', 'reject-if-attached', 'resume'),
          fc.option(
            fc.record({ id: fc.constantFrom('a', 'b'), attempt: fc.integer({ min: 1, max: 4 }) }),
            {
              nil: undefined,
            },
          ),
        )
        .map(([mode, holder]) => new Attach(mode, holder)),
      fc.constant(new Detach()),
      fc.nat(5).map((which) => new Call(which)),
      fc.constant(new EndCalls()),
      fc.constant(new Start()),
      fc.constant(new Exit()),
      fc
        .tuple(fc.constantFrom(1, TTL_MS - 1, TTL_MS, 3 * TTL_MS), fc.boolean())
        .map(([ms, sweeps]) => new Pass(ms, sweeps)),
      fc.constant(new Close()),
    ];
    await fc.assert(
      fc.asyncProperty(fc.commands(steps, { maxCommands: 60, size: 'max' }), async (commands) => {
        const setup = (): { model: Model; real: Rig } => ({
          model: {
            alive: false,
            held: 0,
            deadline: 0,
            latest: undefined,
            attached: false,
            clients: [],
            running: 0,
          },
          real: new Rig(),
        });
        await fc.asyncModelRun(setup, commands);
      }),
      { numRuns: 300 },
    );
  });
});
