import type { Mutant } from './mutant.ts';
import { ofAcknowledging } from './of-acknowledging.ts';
import { ofAttachedStreams } from './of-attached-streams.ts';
import { ofAttachments } from './of-attachments.ts';
import { ofBytes } from './of-bytes.ts';
import { ofEnds } from './of-ends.ts';
import { ofEvents } from './of-events.ts';
import { ofFailures } from './of-failures.ts';
import { ofLives } from './of-lives.ts';
import { ofReading } from './of-reading.ts';
import { ofRequests } from './of-requests.ts';
import { ofSessions } from './of-sessions.ts';
import { ofStarts } from './of-starts.ts';
import { ofStdin } from './of-stdin.ts';
import { ofStreams } from './of-streams.ts';
import { ofTerminals } from './of-terminals.ts';

/** What is wrong with processes and what they write. */
export const OF_PROCESSES: readonly Mutant[] = [
  ...ofStarts,
  ...ofBytes,
  ...ofLives,
  ...ofEvents,
  ...ofReading,
  ...ofAcknowledging,
  ...ofStdin,
];

/** What is wrong with the calls about them, and with sessions. */
export const OF_CALLS: readonly Mutant[] = [
  ...ofEnds,
  ...ofStreams,
  ...ofTerminals,
  ...ofSessions,
  ...ofAttachedStreams,
  ...ofAttachments,
  ...ofRequests,
  ...ofFailures,
];

/** All mutants. They are run in two parts, side by side. */
export const MUTANTS: readonly Mutant[] = [...OF_PROCESSES, ...OF_CALLS];
