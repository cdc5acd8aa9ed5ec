import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { CallContext } from '../../../src/bridge/call-context.ts';
import { callErrorDetails, isCallError } from '../../../src/client/call-error.ts';
import { RunletError } from '../../../src/errors.ts';
import { EndReason } from '../../../src/gen/runlet/v1/event_pb.ts';
import {
  GetProcessRequestSchema,
  type Process,
  ProcessState,
  type TerminateProcessRequest,
} from '../../../src/gen/runlet/v1/process_pb.ts';
import { Signal, SignalScope } from '../../../src/gen/runlet/v1/signal_pb.ts';
import { onEvents, onRequests } from './hooks.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

/** Sends another scope than what was asked for with a signal. */
function scoped(real: Services, from: readonly SignalScope[], to: SignalScope): Services {
  return onRequests(real, ['signalProcess'], (request) => {
    if (from.includes(request.scope)) request.scope = to;
  });
}

/** What the server says of the process that is to be terminated. */
async function processOf(
  real: Services,
  { processId, sessionId }: TerminateProcessRequest,
  context: CallContext,
): Promise<Process | undefined> {
  const names = create(GetProcessRequestSchema, { processId, sessionId });
  return (await real.getProcess(names, context)).process;
}

/** Signals and terminations. */
export const ofEnds: readonly Mutant[] = [
  {
    fault: 'a signal for the group reaches the leader alone',
    fails: ['LIFE-04', 'LIFE-13', 'RETAIN-05', 'SIGNAL-01'],
    mutate: (real) =>
      scoped(real, [SignalScope.UNSPECIFIED, SignalScope.GROUP], SignalScope.LEADER),
  },
  {
    fault: 'a signal for the leader reaches the group',
    fails: ['SIGNAL-02'],
    mutate: (real) => scoped(real, [SignalScope.LEADER], SignalScope.GROUP),
  },
  {
    fault: 'a signal for the tree reaches the group alone',
    fails: ['SIGNAL-03', 'END-05'],
    mutate: (real) => scoped(real, [SignalScope.TREE], SignalScope.GROUP),
  },
  {
    fault: 'SIGHUP is sent as SIGINT',
    fails: ['INTERACT-05', 'SIGNAL-04'],
    mutate: (real) => {
      const single = onRequests(real, ['signalProcess'], (request) => {
        if (request.signal === Signal.HUP) request.signal = Signal.INT;
      });
      return onRequests(single, ['interact'], ({ request }) => {
        if (request.case === 'signal' && request.value.signal === Signal.HUP) {
          request.value.signal = Signal.INT;
        }
      });
    },
  },
  {
    fault: 'to signal what has ended succeeds',
    fails: ['SIGNAL-05', 'END-04', 'END-05'],
    mutate: (real) => ({
      ...real,
      async signalProcess(request, context) {
        try {
          return await real.signalProcess(request, context);
        } catch (error) {
          const reason = isCallError(error) ? callErrorDetails(error).info?.reason : undefined;
          if (reason !== 'PROCESS_EXITED') throw error;
          return { $typeName: 'runlet.v1.SignalProcessResponse' };
        }
      },
    }),
  },
  {
    fault: 'a termination kills at once',
    fails: ['END-01', 'END-07'],
    mutate: (real) =>
      onRequests(real, ['terminateProcess'], (request) => {
        if (request.grace && request.grace.seconds >= 0n) request.grace = durationFromMs(0);
      }),
  },
  {
    fault: 'the reason of a process that is killed by a termination is `SIGNALED`',
    fails: ['END-02'],
    mutate: (real) =>
      onEvents(real, () => (event) => {
        const { event: body } = event;
        const terminated = body.case === 'exited' && body.value.reason === EndReason.TERMINATED;
        if (terminated && body.value.status?.status.case === 'signal') {
          body.value.reason = EndReason.SIGNALED;
        }
        return [event];
      }),
  },
  {
    fault: 'a second termination does nothing',
    fails: ['END-03'],
    mutate: (real) => {
      const ended = new Set<string>();
      return {
        ...real,
        async terminateProcess(request, context) {
          if (!ended.has(request.processId)) {
            ended.add(request.processId);
            return real.terminateProcess(request, context);
          }
          const process = await processOf(real, request, context);
          return {
            $typeName: 'runlet.v1.TerminateProcessResponse',
            wasRunning: false,
            ...(process && { process }),
          };
        },
      };
    },
  },
  {
    fault: 'the termination of a process that has exited does nothing',
    fails: ['END-04'],
    mutate: (real) => ({
      ...real,
      async terminateProcess(request, context) {
        const process = await processOf(real, request, context);
        if (process?.state !== ProcessState.EXITED) return real.terminateProcess(request, context);
        return { $typeName: 'runlet.v1.TerminateProcessResponse', wasRunning: false, process };
      },
    }),
  },
  {
    fault: 'a termination ends the group alone by default',
    fails: ['END-05'],
    mutate: (real) =>
      onRequests(real, ['terminateProcess'], (request) => {
        if (request.scope === SignalScope.UNSPECIFIED) request.scope = SignalScope.GROUP;
      }),
  },
  {
    fault: 'to terminate what is closed fails',
    fails: ['END-06'],
    mutate: (real) => ({
      ...real,
      async terminateProcess(request, context) {
        const process = await processOf(real, request, context);
        if (process?.state === ProcessState.CLOSED) throw new RunletError('PROCESS_EXITED');
        return real.terminateProcess(request, context);
      },
    }),
  },
];
