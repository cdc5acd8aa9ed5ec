import { setMaxListeners } from 'node:events';
import type { Client } from '@grpc/grpc-js';
import { describeCallError } from '../client/call-error.ts';
import type { RequestMetadata } from '../client/options.ts';
import { type Clock, systemClock, type Timer } from '../clock.ts';
import type { Check } from './check.ts';
import { createClients } from './clients.ts';
import { CheckContext } from './context.ts';
import { type Facts, learnFacts, reasonToSkip } from './facts.ts';

/** How one check went. */
export interface CheckResult {
  readonly check: Check;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** What was wrong, or what the server lacks; undefined if it passed. */
  readonly reason: string | undefined;
  readonly durationMs: number;
}

/** How checks are run. */
export interface RunChecksOptions {
  /** Opens a connection to the server; the run closes it. */
  readonly connect: () => Client;
  readonly checks: readonly Check[];
  /** How many checks are under way at a time; at least 1. */
  readonly jobs: number;
  /** How long a check may take, in milliseconds. Then it has failed. */
  readonly timeoutMs: number;
  /** Sent with every call, to say who makes them. Default: nothing. */
  readonly metadata?: RequestMetadata;
  /** Tells when that is over. Default: the time of the machine. */
  readonly clock?: Clock;
}

/** Runs checks, and yields their results in the order of the checks. */
export async function* runChecks(options: RunChecksOptions): AsyncGenerator<CheckResult> {
  const { checks, clock = systemClock, connect, jobs, metadata = {}, timeoutMs } = options;
  const connection = connect();
  try {
    const deadline = AbortSignal.timeout(timeoutMs);
    const facts = await learnFacts(createClients(connection, deadline, metadata), timeoutMs);
    const gate = createGate(jobs);
    const results = checks.map((check) =>
      gate(() => runCheck(check, facts, { connection, connect, metadata, timeoutMs, clock })),
    );
    for (const result of results) yield await result;
  } finally {
    connection.close();
  }
}

/** What all checks of a run have in common. */
interface Run
  extends Required<Pick<RunChecksOptions, 'connect' | 'metadata' | 'timeoutMs' | 'clock'>> {
  /** The connection that all checks share. */
  readonly connection: Client;
}

/** Never rejects. */
async function runCheck(
  check: Check,
  facts: Facts,
  { connection, connect, metadata, timeoutMs, clock }: Run,
): Promise<CheckResult> {
  const lacking = reasonToSkip(check.needs, facts);
  if (lacking !== undefined) return { check, outcome: 'skipped', reason: lacking, durationMs: 0 };
  const began = performance.now();
  const abort = new AbortController();
  // A check may have many calls under way, each of which listens.
  setMaxListeners(0, abort.signal);
  const context = new CheckContext({
    connection,
    connect,
    signal: abort.signal,
    metadata,
    info: facts.info,
  });
  const reason = await withinTime(attempt(check, context), timeoutMs, clock);
  // Ends what a check that failed or took too long has under way.
  abort.abort();
  await context.close();
  const durationMs = performance.now() - began;
  return { check, outcome: reason === undefined ? 'passed' : 'failed', reason, durationMs };
}

/** Undefined if the check passed, or why it did not. Never rejects. */
async function attempt(check: Check, context: CheckContext): Promise<string | undefined> {
  try {
    await context.createSession({ sessionId: context.sessionId });
    await check.run(context);
    return undefined;
  } catch (error) {
    return describeCallError(error);
  }
}

async function withinTime(
  attempted: Promise<string | undefined>,
  timeoutMs: number,
  clock: Clock,
): Promise<string | undefined> {
  let timer: Timer | undefined;
  const late = new Promise<string>((resolve) => {
    const reason = `it was not done within ${timeoutMs / 1000} s`;
    timer = clock.setTimer(timeoutMs, () => resolve(reason));
  });
  try {
    return await Promise.race([attempted, late]);
  } finally {
    timer?.cancel();
  }
}

/** Lets so many be under way at a time; the others wait in their order. */
function createGate(width: number): <T>(begin: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = width;
  return async (begin) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await begin();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
