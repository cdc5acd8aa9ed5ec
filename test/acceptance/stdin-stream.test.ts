import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { StdinMode, type StreamStdinRequestSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import { collect, outputOf, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { type Clients, connectClients, startHarness, temporaryFolder } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import { awaitRelease, release, shellSpec, startShell, type Target } from '../support/shell.ts';

const MIB = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
const PIECES = 100 * (MIB / PIECE_BYTES);

/** Far less than what is sent; what was measured is a third of it. */
const SLACK_BYTES = 48 * MIB;

const stdin = StdinMode.PIPE;

/** 100 MiB for a process's stdin, no two pieces of which are equal. */
class Upload {
  readonly #hash = createHash('sha256');
  readonly #target: Target;
  readonly #onHundred: () => Promise<void>;
  /** Pieces that were taken so far. */
  taken = 0;

  constructor(target: Target, onHundred = async (): Promise<void> => {}) {
    this.#target = target;
    this.#onHundred = onHundred;
  }

  /** The hash of what was taken. */
  get digest(): string {
    return this.#hash.copy().digest('hex');
  }

  async *requests(): AsyncGenerator<MessageInitShape<typeof StreamStdinRequestSchema>> {
    while (this.taken < PIECES) {
      if (this.taken % 100 === 99) await this.#onHundred();
      const data = Buffer.alloc(PIECE_BYTES, `${this.taken++} `);
      this.#hash.update(data);
      yield { ...this.#target, data };
    }
    yield { ...this.#target, eof: true };
  }
}

/** Starts a script on a server that is a process of its own. */
async function startOn(
  { processes, sessions }: Clients,
  script: string,
  cwd: string,
): Promise<Target> {
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  const spec = shellSpec(script, { stdin, cwd });
  const { process } = await processes.startProcess({ sessionId, spec });
  return { sessionId, processId: process?.processId ?? '' };
}

describe('a hundred MiB of stdin', () => {
  it('wait for a reader that sleeps at no cost to the server, and arrive as they were', async () => {
    const served = await serve();
    const clients = connectClients(served.address);
    const folder = await temporaryFolder();
    const target = await startOn(clients, `${awaitRelease('go')}; sha256sum`, folder);
    const before = (await served.holdings()).rss;
    let peak = before;
    const look = async (): Promise<void> => {
      peak = Math.max(peak, (await served.holdings()).rss);
    };
    const upload = new Upload(target, look);
    const streamed = clients.processes.streamStdin(upload.requests());

    // Nothing goes on any more once the server has been asked ten times in which nothing did.
    for (let still = 0, seen = -1; still < 10; still++) {
      if (upload.taken !== seen || upload.taken === 0) still = 0;
      seen = upload.taken;
      await look();
    }
    expect(upload.taken).toBeGreaterThan(0);
    expect(upload.taken).toBeLessThan(PIECES / 4);
    await release({ folder }, 'go');
    expect((await streamed).acceptedOffset).toBe(BigInt(PIECES * PIECE_BYTES));
    const output = outputOf(await collect(clients.processes.watchProcess(target))).toString();
    expect(output).toBe(`${upload.digest}  -\n`);
    expect(peak - before).toBeLessThan(SLACK_BYTES);
  });

  it('to a process that exits after one of them fail, and its end is its own', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, `head -c ${MIB} | wc -c; exit 6`, { stdin });
    const upload = new Upload(target);
    const failure = await failureOf(processes.streamStdin(upload.requests()));
    expect(failure.summary).toBe('FAILED_PRECONDITION/STDIN_CLOSED');
    expect(upload.taken).toBeLessThan(PIECES);
    const events = await collect(processes.watchProcess(target));
    expect(outputOf(events).toString().trim()).toBe(String(MIB));
    expect(summarize(events).slice(-2)).toEqual(['exited code 6 reason 1', 'closed true']);
  });
});

describe('a stream of stdin', () => {
  it('can end it without a byte', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, 'wc -c; exit 2', { stdin });
    const { acceptedOffset } = await processes.streamStdin(
      (async function* () {
        yield { ...target, eof: true };
      })(),
    );
    expect(acceptedOffset).toBe(0n);
    const events = await collect(processes.watchProcess(target));
    expect(outputOf(events).toString().trim()).toBe('0');
    expect(summarize(events)).toContain('exited code 2 reason 1');
  });
});
