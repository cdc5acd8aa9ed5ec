import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FileService } from '../../src/gen/runlet/v1/file_pb.ts';
import { HttpService } from '../../src/gen/runlet/v1/http_pb.ts';
import { ProcessService } from '../../src/gen/runlet/v1/process_pb.ts';
import { SessionService } from '../../src/gen/runlet/v1/session_pb.ts';
import { TunnelService } from '../../src/gen/runlet/v1/tunnel_pb.ts';
import { as, namedCallers } from '../support/named-callers.ts';
import { failedCall, nameOf } from './every-call.ts';
import { onSocket, serveMatrix } from './matrix-server.ts';

/** Calls of each of the two kinds. */
const CALLS = 1_000;

/**
 * How far from a half the chance may be that a call of the one kind takes longer than one of the
 * other: chance alone makes 0.013 of it (the standard deviation of the statistic of Mann and
 * Whitney for so many), and this is five times as much.
 */
const TOLERANCE = 0.065;

const TRIED = [
  SessionService.method.getSession,
  SessionService.method.closeSession,
  ProcessService.method.startProcess,
  ProcessService.method.writeStdin,
  ProcessService.method.waitProcess,
  FileService.method.statFile,
  FileService.method.watchDirectory,
  FileService.method.writeFile,
  HttpService.method.request,
  TunnelService.method.connect,
  TunnelService.method.listen,
  TunnelService.method.listPorts,
].map((method) => [nameOf(method), method] as const);

describe('by the time that it takes, another caller', () => {
  it.each(TRIED)('does not learn of %s whether there is a session', async (_name, method) => {
    const server = await serveMatrix(onSocket([namedCallers({ ada: {}, ben: {} })]));
    try {
      const there = await server.target('ada');
      const times = { there: [] as number[], nowhere: [] as number[] };
      // In turn, so that whatever else the machine does is done to both; each first as often.
      for (let i = 0; i < CALLS + WARM_UP; i++) {
        const kinds =
          i % 2 === 0 ? (['there', 'nowhere'] as const) : (['nowhere', 'there'] as const);
        for (const kind of kinds) {
          const sessionId = kind === 'there' ? there.sessionId : randomUUID();
          const began = performance.now();
          const failure = await failedCall(
            server.connection,
            method,
            { ...there, sessionId },
            as('ben'),
          );
          const took = performance.now() - began;
          if (i >= WARM_UP) times[kind].push(took);
          expect(failure?.summary).toBe('NOT_FOUND/SESSION_NOT_FOUND');
        }
      }
      expect(Math.abs(chanceOfLonger(times.there, times.nowhere) - 0.5)).toBeLessThan(TOLERANCE);
    } finally {
      await server.close();
    }
  });

  it('would learn of one that took a little longer', () => {
    const some = Array.from({ length: CALLS }, (_, i) => 1 + i / CALLS);
    const others = some.map((ms) => ms * 1.1);
    expect(chanceOfLonger(others, some) - 0.5).toBeGreaterThan(TOLERANCE);
    expect(chanceOfLonger(some, some)).toBe(0.5);
  });
});

const WARM_UP = 250;

/** The chance that one of the first takes longer than one of the others, equal ones counting as half. */
function chanceOfLonger(first: readonly number[], others: readonly number[]): number {
  const sorted = [...others].sort((a, b) => a - b);
  let wins = 0;
  for (const ms of first) wins += (rank(sorted, (x) => x < ms) + rank(sorted, (x) => x <= ms)) / 2;
  return wins / (first.length * others.length);
}

/** How many of a sorted list, from its beginning, fit. */
function rank(sorted: readonly number[], fits: (value: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (fits(sorted[middle] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}
