import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { EncodedMessage } from '../../../src/bridge/encoded-message.ts';
import { StatsReader } from '../../../src/conformance/stats-reader.ts';
import {
  type StatsRound,
  WatchStatsRequestSchema,
  type WatchStatsResponse,
  WatchStatsResponseSchema,
} from '../../../src/gen/runlet/v1/stats_pb.ts';
import { ANYBODY } from '../../../src/identity/principal.ts';
import { DEFAULT_LIMITS } from '../../../src/limits.ts';
import { Tally } from '../../../src/policy/tally.ts';
import { ProcessHost } from '../../../src/process/process-host.ts';
import type { ProcessScan, ScannedProcess } from '../../../src/process/process-scan.ts';
import { watchStats } from '../../../src/server/services/watch-stats.ts';
import { Stats } from '../../../src/server/stats/stats.ts';
import type { Session } from '../../../src/session/session.ts';
import { SessionRegistry } from '../../../src/session/session-registry.ts';
import { TestCallContext } from '../../support/call-context.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { memoryStore } from '../../support/output.ts';
import { ScriptedLauncher } from '../../support/scripted-launcher.ts';

/** What a scan has of a process that runs, beside what a test says of it. */
const RUNNING: ScannedProcess = {
  pid: 0,
  parent: 1,
  group: 0,
  session: 0,
  startTime: '1',
  ended: false,
  cpuTicks: 0,
  residentPages: 0,
};

/** A scan of a machine with these processes. */
export function scanOf(processes: readonly Partial<ScannedProcess>[], spentMs = 0): ProcessScan {
  const all = processes.map((process) => ({ ...RUNNING, ...process }));
  const by = (key: 'parent' | 'group' | 'session'): ReadonlyMap<number, ScannedProcess[]> =>
    new Map(all.map((one) => [one[key], all.filter((other) => other[key] === one[key])]));
  return {
    byPid: new Map(all.map((process) => [process.pid, process])),
    byParent: by('parent'),
    byGroup: by('group'),
    bySession: by('session'),
    spentMs,
  };
}

/** What `WatchStats` is made of, where time stands still and the machine is what a test says. */
export class StatsRig {
  readonly clock = new FakeClock();
  readonly launcher = new ScriptedLauncher();
  readonly host: ProcessHost;
  readonly sessions: SessionRegistry;
  readonly stats: Stats;
  /** What is found on the machine; undefined: it does not tell. */
  machine: ProcessScan | undefined = scanOf([]);
  /** How often that was looked at. */
  scans = 0;
  /** How often all sessions were looked at. */
  looks = 0;

  constructor() {
    const { clock, launcher } = this;
    const limits = DEFAULT_LIMITS;
    const store = memoryStore(clock);
    this.host = new ProcessHost({ launcher, clock, limits, environment: new Map(), store });
    const newId = (): string => crypto.randomUUID();
    this.sessions = new SessionRegistry({ host: this.host, clock, limits, newId });
    let last = 0;
    this.stats = new Stats({
      clock,
      host: this.host,
      sessions: {
        all: () => {
          this.looks += 1;
          return this.sessions.all();
        },
      },
      calls: new Tally(),
      units: { tickMs: 10, pageBytes: 4096 },
      scan: () => {
        this.scans += 1;
        return Promise.resolve(this.machine);
      },
      newNumber: () => {
        last += 1;
        return last;
      },
    });
  }

  /** A session of whoever calls. */
  session(): Session {
    const options = { id: undefined, labels: new Map(), detachedTtlMs: 1e9 };
    return this.sessions.create({ ...options, owner: ANYBODY.name });
  }

  /** A process in a session; `stdin`: with a pipe. */
  start(session: Session, processId: string) {
    return session.processes.start({ ...this.launcher.request(), processId });
  }

  /** A stream, and a reader of it. Nothing is asked for before the reader asks. */
  watch(request: MessageInitShape<typeof WatchStatsRequestSchema> = {}) {
    const { clock, stats } = this;
    const context = new TestCallContext();
    const service = watchStats({ clock, stats, limits: DEFAULT_LIMITS, severalPrincipals: false });
    const messages = service.watchStats(create(WatchStatsRequestSchema, request), context);
    return { context, reader: new StatsReader({ watchStats: () => complete(messages) }) };
  }

  /** The next round, for which time passes. */
  async after(ms: number, reader: StatsReader): Promise<StatsRound> {
    const round = reader.round();
    // What was sent before was taken, and the next is waited for.
    await settled();
    this.clock.advance(ms);
    return (await round).end;
  }
}

/** Resolves when all is done that waits for no time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function* complete(messages: AsyncIterable<unknown>): AsyncGenerator<WatchStatsResponse> {
  const schema = WatchStatsResponseSchema;
  for await (const message of messages) {
    yield message instanceof EncodedMessage
      ? fromBinary(schema, message.bytes)
      : create(schema, message as MessageInitShape<typeof schema>);
  }
}
