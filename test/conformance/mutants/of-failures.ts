import { create } from '@bufbuild/protobuf';
import { callErrorDetails, isCallError } from '../../../src/client/call-error.ts';
import { ErrorInfoSchema } from '../../../src/gen/google/rpc/error_details_pb.ts';
import { StartFailureSchema, StartStage } from '../../../src/gen/runlet/v1/error_pb.ts';
import {
  ProcessSpecSchema,
  StartProcessRequestSchema,
} from '../../../src/gen/runlet/v1/process_pb.ts';
import { onFailures, withDetails } from './hooks.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

/** Changes the `StartFailure` of starts that failed. */
function onStartFailures(
  real: Services,
  change: (failure: { stage: StartStage; errnoName: string }) => void,
): Services {
  return onFailures(real, (error) =>
    withDetails(error, StartFailureSchema, (failure) => {
      change(failure);
      return failure;
    }),
  );
}

/** How calls fail. */
export const ofFailures: readonly Mutant[] = [
  {
    fault: 'the domain of its errors is that of another service',
    fails: ['ERROR-01'],
    mutate: (real) =>
      onFailures(real, (error) =>
        withDetails(error, ErrorInfoSchema, (info) => ({ ...info, domain: 'runlet.example' })),
      ),
  },
  {
    fault: 'a program that there is not fails as one that could not be created',
    fails: ['ERROR-02', 'ERROR-03'],
    mutate: (real) =>
      onStartFailures(real, (failure) => {
        if (failure.stage === StartStage.PROGRAM) failure.stage = StartStage.SPAWN;
      }),
  },
  {
    fault: 'a file that cannot be executed fails as one that is not there',
    fails: ['ERROR-03'],
    mutate: (real) =>
      onStartFailures(real, (failure) => {
        if (failure.errnoName === 'EACCES') failure.errnoName = 'ENOENT';
      }),
  },
  {
    fault: 'a working directory that cannot be entered is told as a program that is not there',
    fails: ['ERROR-04'],
    mutate: (real) =>
      onStartFailures(real, (failure) => {
        if (failure.stage === StartStage.CWD) failure.stage = StartStage.PROGRAM;
      }),
  },
  {
    fault: 'a start that failed leaves a process behind',
    fails: ['ERROR-05'],
    mutate: (real) => ({
      ...real,
      async startProcess(request, context) {
        try {
          return await real.startProcess(request, context);
        } catch (error) {
          const { processId, sessionId } = request;
          const failed = isCallError(error) && callErrorDetails(error).startFailure !== undefined;
          if (failed && processId !== '') {
            const spec = create(ProcessSpecSchema, { argv: ['/bin/sh', '-c', 'exit 127'] });
            const husk = create(StartProcessRequestSchema, { processId, sessionId, spec });
            await real.startProcess(husk, context);
          }
          throw error;
        }
      },
    }),
  },
  {
    fault: 'a limit that is exceeded is not named',
    fails: ['ERROR-07'],
    mutate: (real) =>
      onFailures(real, (error, reason) =>
        reason === 'LIMIT_EXCEEDED'
          ? withDetails(error, ErrorInfoSchema, (info) => ({ ...info, metadata: {} }))
          : error,
      ),
  },
  {
    fault: 'failures have a code and a text, and nothing for programs',
    fails: [
      'ATTACH-04',
      'ATTACH-05',
      'BYTES-05',
      'END-04',
      'END-05',
      'ERROR-01',
      'ERROR-02',
      'ERROR-03',
      'ERROR-04',
      'ERROR-05',
      'ERROR-06',
      'ERROR-07',
      'EVENT-11',
      'FENCE-01',
      'FENCE-02',
      'FENCE-03',
      'FENCE-04',
      'FENCE-05',
      'FENCE-06',
      'FENCE-07',
      'FENCE-09',
      'FENCE-10',
      'INTERACT-08',
      'LIMIT-02',
      'LIST-03',
      'READ-07',
      'REQUEST-01',
      'REQUEST-02',
      'REQUEST-03',
      'REQUEST-04',
      'REQUEST-05',
      'REQUEST-06',
      'REQUEST-07',
      'REQUEST-08',
      'REQUEST-09',
      'REQUEST-10',
      'REQUEST-11',
      'REQUEST-12',
      'RESUME-01',
      'RESUME-02',
      'RESUME-03',
      'RESUME-04',
      'RESUME-05',
      'RETAIN-02',
      'RETAIN-04',
      'RETAIN-07',
      'RUN-05',
      'SESSION-09',
      'SESSION-10',
      'SESSION-11',
      'SESSION-12',
      'SIGNAL-05',
      'START-10',
      'START-11',
      'START-13',
      'STDIN-02',
      'STDIN-06',
      'STDIN-07',
      'STDIN-08',
      'STDIN-09',
      'STDIN-11',
      'STREAM-04',
      'TERM-08',
      'EXPIRE-01',
      'RESUME-06',
    ],
    also: ['ACK-05', 'REQUEST-13', 'RESUME-07'],
    mutate: (real) =>
      onFailures(real, (error) => {
        error.metadata.remove('grpc-status-details-bin');
        return error;
      }),
  },
];
