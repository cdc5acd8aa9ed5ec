import { describeMutants } from './mutants/describe-mutants.ts';
import { ofAttachedStreams } from './mutants/of-attached-streams.ts';
import { ofAttachments } from './mutants/of-attachments.ts';
import { ofEnds } from './mutants/of-ends.ts';
import { ofFailures } from './mutants/of-failures.ts';
import { ofRequests } from './mutants/of-requests.ts';
import { ofSessions } from './mutants/of-sessions.ts';
import { ofStreams } from './mutants/of-streams.ts';
import { ofTerminals } from './mutants/of-terminals.ts';

describeMutants([
  ...ofEnds,
  ...ofStreams,
  ...ofTerminals,
  ...ofSessions,
  ...ofAttachedStreams,
  ...ofAttachments,
  ...ofRequests,
  ...ofFailures,
]);
