import { RunletError } from '../../../src/errors.ts';
import { ProcessState } from '../../../src/gen/runlet/v1/process_pb.ts';
import type { ProcessStats, WatchStatsResponse } from '../../../src/gen/runlet/v1/stats_pb.ts';
import { onFailures, onRequests, onResponses } from './hooks.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

/** Changes the messages of each stream; what is returned is made for each of them. */
function onStats(real: Services, fault: () => (message: WatchStatsResponse) => void): Services {
  return {
    ...real,
    async *watchStats(request, context) {
      const change = fault();
      for await (const message of real.watchStats(request, context)) {
        change(message);
        yield message;
      }
    },
  };
}

/** Changes each process that is told. */
function onProcessStats(real: Services, change: (process: ProcessStats) => void): Services {
  return onResponses(real, ['watchStats'], ({ processes }) => processes.forEach(change));
}

/** What is told of what sessions and processes use. */
export const ofStats: readonly Mutant[] = [
  {
    fault: 'a stream of what is used does not say that it begins anew',
    fails: ['STATS-01'],
    mutate: (real) =>
      onResponses(real, ['watchStats'], (message) => {
        message.reset = false;
      }),
  },
  {
    fault: 'processes that are told with what they use have no program',
    fails: ['STATS-01'],
    mutate: (real) =>
      onProcessStats(real, ({ info }) => {
        if (info !== undefined) info.program = '';
      }),
  },
  {
    fault: 'what does not change of a process is told each time',
    fails: ['STATS-02'],
    mutate: (real) =>
      onStats(real, () => {
        const known = new Map<bigint, ProcessStats['info']>();
        return ({ processes }) => {
          for (const process of processes) {
            if (process.info === undefined) {
              const info = known.get(process.number);
              if (info !== undefined) process.info = info;
            } else known.set(process.number, process.info);
          }
        };
      }),
  },
  {
    fault: 'what was written to standard error is not counted',
    fails: ['STATS-03'],
    mutate: (real) =>
      onProcessStats(real, (process) => {
        // The check writes 4 bytes to the one and 6 to the other.
        if (process.outputBytes === 10n) process.outputBytes = 11n;
      }),
  },
  {
    fault: 'sessions that are gone are not taken away',
    fails: ['STATS-04'],
    mutate: (real) =>
      onResponses(real, ['watchStats'], (message) => {
        message.removedSessions = [];
      }),
  },
  {
    fault: 'any interval of rounds is taken for one that is allowed',
    fails: ['STATS-05'],
    mutate: (real) =>
      onRequests(real, ['watchStats'], (request) => {
        delete request.interval;
      }),
  },
  {
    fault: 'what is used is told of all callers to one who may not see it',
    fails: ['STATS-06'],
    mutate: (real) =>
      onRequests(real, ['watchStats'], (request) => {
        request.all = false;
      }),
  },
  {
    fault: 'it is not said which grant is missing',
    fails: ['STATS-06'],
    mutate: (real) =>
      onFailures(real, (error, reason) =>
        reason === 'GRANT_MISSING' ? new RunletError('GRANT_MISSING') : error,
      ),
  },
  {
    fault: 'totals leave out sessions that somebody is attached to',
    fails: ['STATS-07'],
    mutate: (real) =>
      onResponses(real, ['watchStats'], ({ round }) => {
        if (round?.totals !== undefined) round.totals.attachedSessions = 0;
      }),
  },
  {
    fault: 'totals count processes that run as ones that have exited',
    fails: ['STATS-07'],
    mutate: (real) =>
      onResponses(real, ['watchStats'], ({ round }) => {
        if (round?.totals === undefined) return;
        round.totals.exitedProcesses += round.totals.runningProcesses;
        round.totals.runningProcesses = 0;
      }),
  },
  {
    fault: 'rounds are all told to be at one time',
    fails: ['STATS-08'],
    mutate: (real) =>
      onResponses(real, ['watchStats'], ({ round }) => {
        if (round?.elapsed !== undefined) round.elapsed.seconds = 1n;
        if (round?.elapsed !== undefined) round.elapsed.nanos = 0;
      }),
  },
  {
    fault: 'a process is told to have one reader more than it has',
    fails: ['STATS-09'],
    mutate: (real) =>
      onProcessStats(real, (process) => {
        process.readers += 1;
      }),
  },
  {
    fault: 'what a process uses is told without its descendants',
    fails: ['STATS-10'],
    mutate: (real) =>
      onProcessStats(real, (process) => {
        if (process.state === ProcessState.RUNNING) process.members = 1;
      }),
  },
];
