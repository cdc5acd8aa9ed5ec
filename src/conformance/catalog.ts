import type { Check } from './check.ts';
import { acknowledging } from './checks/acknowledging.ts';
import { attachments } from './checks/attachments.ts';
import { bytes } from './checks/bytes.ts';
import { changingFiles } from './checks/changing-files.ts';
import { copyingFiles } from './checks/copying-files.ts';
import { environmentChecks } from './checks/environment.ts';
import { errors } from './checks/errors.ts';
import { events } from './checks/events.ts';
import { expiry } from './checks/expiry.ts';
import { fencing } from './checks/fencing.ts';
import { fileSessions } from './checks/file-sessions.ts';
import { files } from './checks/files.ts';
import { folders } from './checks/folders.ts';
import { gaps } from './checks/gaps.ts';
import { heartbeats } from './checks/heartbeats.ts';
import { httpBodies } from './checks/http-bodies.ts';
import { httpFailures } from './checks/http-failures.ts';
import { httpHeads } from './checks/http-heads.ts';
import { httpRedirects } from './checks/http-redirects.ts';
import { httpSessions } from './checks/http-sessions.ts';
import { interact } from './checks/interact.ts';
import { lifecycle } from './checks/lifecycle.ts';
import { listeners } from './checks/listeners.ts';
import { listing } from './checks/listing.ts';
import { movingFiles } from './checks/moving-files.ts';
import { reading } from './checks/reading.ts';
import { readingFiles } from './checks/reading-files.ts';
import { requests } from './checks/requests.ts';
import { resourceLimits } from './checks/resource-limits.ts';
import { resuming } from './checks/resuming.ts';
import { retention } from './checks/retention.ts';
import { run } from './checks/run.ts';
import { sandboxIsolation } from './checks/sandbox-isolation.ts';
import { sandboxPlaces } from './checks/sandbox-places.ts';
import { sandboxRequests } from './checks/sandbox-requests.ts';
import { sandboxRules } from './checks/sandbox-rules.ts';
import { sandboxedFiles } from './checks/sandboxed-files.ts';
import { sandboxedProcesses } from './checks/sandboxed-processes.ts';
import { serverInfo } from './checks/server-info.ts';
import { sessions } from './checks/sessions.ts';
import { signals } from './checks/signals.ts';
import { starting } from './checks/starting.ts';
import { stats } from './checks/stats.ts';
import { stdin } from './checks/stdin.ts';
import { stdinStream } from './checks/stdin-stream.ts';
import { terminals } from './checks/terminals.ts';
import { termination } from './checks/termination.ts';
import { trees } from './checks/trees.ts';
import { tunnelLimits } from './checks/tunnel-limits.ts';
import { tunnelSessions } from './checks/tunnel-sessions.ts';
import { tunnelChecks } from './checks/tunnels.ts';
import { uploads } from './checks/uploads.ts';
import { users } from './checks/users.ts';
import { watchingFolders } from './checks/watching-folders.ts';
import { writingFiles } from './checks/writing-files.ts';

/** Checks of one part of the contract. */
export interface Area {
  /** What they are about, as a heading. */
  readonly title: string;
  readonly checks: readonly Check[];
}

/** All checks, in the order in which they are run and told. */
export const AREAS: readonly Area[] = [
  { title: 'The server', checks: serverInfo },
  { title: 'Starting a process', checks: starting },
  { title: 'The life of a process', checks: lifecycle },
  { title: 'Events and output', checks: events },
  { title: 'Reading by polls', checks: reading },
  { title: 'Gaps and overflow', checks: gaps },
  { title: 'Acknowledging output', checks: acknowledging },
  { title: 'Retention', checks: retention },
  { title: 'Standard input', checks: stdin },
  { title: 'Streams of standard input', checks: stdinStream },
  { title: 'Signals', checks: signals },
  { title: 'Termination', checks: termination },
  { title: 'Run', checks: run },
  { title: 'Interact', checks: interact },
  { title: 'Terminals', checks: terminals },
  { title: 'Resource limits', checks: resourceLimits },
  { title: 'Other users', checks: users },
  { title: 'Environment', checks: environmentChecks },
  { title: 'Bytes that are not UTF-8', checks: bytes },
  { title: 'Sessions', checks: sessions },
  { title: 'Expiry', checks: expiry },
  { title: 'Attached streams', checks: attachments },
  { title: 'Fencing', checks: fencing },
  { title: 'Resuming an attachment', checks: resuming },
  { title: 'Heartbeats', checks: heartbeats },
  { title: 'Lists and pages', checks: listing },
  { title: 'What is used', checks: stats },
  { title: 'Files', checks: files },
  { title: 'Reading files', checks: readingFiles },
  { title: 'Writing files', checks: writingFiles },
  { title: 'Uploads', checks: uploads },
  { title: 'Listing and walking folders', checks: folders },
  { title: 'Changing files', checks: changingFiles },
  { title: 'Moving files', checks: movingFiles },
  { title: 'Copying files', checks: copyingFiles },
  { title: 'Watching folders', checks: watchingFolders },
  { title: 'Folders as archives', checks: trees },
  { title: 'Files and sessions', checks: fileSessions },
  {
    title: 'What a sandbox allows',
    checks: [...sandboxRules, ...sandboxPlaces, ...sandboxRequests],
  },
  { title: 'Processes in a sandbox', checks: [...sandboxIsolation, ...sandboxedProcesses] },
  { title: 'Files in a sandbox', checks: sandboxedFiles },
  {
    title: 'Connections',
    checks: [...tunnelChecks, ...listeners, ...tunnelSessions, ...tunnelLimits],
  },
  {
    title: 'HTTP',
    checks: [...httpHeads, ...httpBodies, ...httpRedirects, ...httpFailures, ...httpSessions],
  },
  { title: 'Requests that are wrong', checks: requests },
  { title: 'Failures', checks: errors },
];

/** The same without their areas. */
export const CHECKS: readonly Check[] = AREAS.flatMap(({ checks }) => checks);
