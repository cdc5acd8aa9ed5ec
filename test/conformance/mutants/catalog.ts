import type { Mutant } from './mutant.ts';
import { ofAcknowledging } from './of-acknowledging.ts';
import { ofAttachedStreams } from './of-attached-streams.ts';
import { ofAttachments } from './of-attachments.ts';
import { ofBytes } from './of-bytes.ts';
import { ofEnds } from './of-ends.ts';
import { ofEvents } from './of-events.ts';
import { ofFailures } from './of-failures.ts';
import { ofFileChanges } from './of-file-changes.ts';
import { ofFileReading } from './of-file-reading.ts';
import { ofFileSessions } from './of-file-sessions.ts';
import { ofFileWriting } from './of-file-writing.ts';
import { ofFiles } from './of-files.ts';
import { ofFolders } from './of-folders.ts';
import { ofHttp } from './of-http.ts';
import { ofHttpEnds } from './of-http-ends.ts';
import { ofLives } from './of-lives.ts';
import { ofNetworkLimits } from './of-network-limits.ts';
import { ofReading } from './of-reading.ts';
import { ofRequests } from './of-requests.ts';
import { ofSandboxes } from './of-sandboxes.ts';
import { ofSessions } from './of-sessions.ts';
import { ofStarts } from './of-starts.ts';
import { ofStats } from './of-stats.ts';
import { ofStdin } from './of-stdin.ts';
import { ofStreams } from './of-streams.ts';
import { ofTerminals } from './of-terminals.ts';
import { ofTrees } from './of-trees.ts';
import { ofTunnels } from './of-tunnels.ts';
import { ofUploads } from './of-uploads.ts';
import { ofWatching } from './of-watching.ts';

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
  ...ofStats,
];

/** What is wrong with files. */
export const OF_FILES: readonly Mutant[] = [
  ...ofFiles,
  ...ofFileReading,
  ...ofFileWriting,
  ...ofUploads,
  ...ofFolders,
  ...ofFileChanges,
  ...ofWatching,
  ...ofTrees,
  ...ofFileSessions,
];

/** What is wrong with sandboxes. */
export const OF_SANDBOXES: readonly Mutant[] = ofSandboxes;

/** What is wrong with HTTP and connections. */
export const OF_NETWORK: readonly Mutant[] = [
  ...ofTunnels,
  ...ofHttp,
  ...ofHttpEnds,
  ...ofNetworkLimits,
];

/** All mutants. They are run in parts, side by side. */
export const MUTANTS: readonly Mutant[] = [
  ...OF_PROCESSES,
  ...OF_CALLS,
  ...OF_FILES,
  ...OF_SANDBOXES,
  ...OF_NETWORK,
];
