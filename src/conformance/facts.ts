import { durationMs } from '@bufbuild/protobuf/wkt';
import { type GetServerInfoResponse, TreeTracking } from '../gen/runlet/v1/server_pb.ts';
import { type Check, REQUIREMENTS, type Requirement } from './check.ts';
import type { Clients } from './clients.ts';
import { specOf } from './context.ts';
import { EventReader, exitedOf, statusOf } from './event-reader.ts';
import { learnNetwork } from './network-facts.ts';

/** What is known of a server before it is checked. */
export interface Facts {
  /** Undefined if it does not tell. */
  readonly info: GetServerInfoResponse | undefined;
  /** What it has of that which not every server has. */
  readonly met: ReadonlySet<Requirement>;
}

/** Heartbeats are waited for up to four times as long as they may take, which must be done in half the time. */
const HEARTBEATS_PER_CHECK = 8;

/**
 * Asks a server what it is and what it can do.
 *
 * @param timeoutMs how much time a check will have
 */
export async function learnFacts(clients: Clients, timeoutMs: number): Promise<Facts> {
  const info = await clients.server.getServerInfo({}).catch(() => undefined);
  const met = new Set<Requirement>();
  const capabilities = info?.capabilities;
  if (info === undefined || capabilities === undefined) return { info, met };
  if (capabilities.terminals) met.add('terminals');
  if (capabilities.limits) met.add('limits');
  if (capabilities.bytes) met.add('bytes');
  if (capabilities.users) met.add('users');
  if (capabilities.mergeStderr) met.add('merge_stderr');
  if (capabilities.launcher !== 'child_process') met.add('pipes');
  const interval = info.limits?.heartbeatInterval;
  if (interval !== undefined && durationMs(interval) * HEARTBEATS_PER_CHECK <= timeoutMs) {
    met.add('heartbeats');
  }
  const { CGROUP, SUBREAPER } = TreeTracking;
  const tracks = [CGROUP, SUBREAPER].includes(capabilities.treeTracking);
  if (tracks && (await hasSetsid(clients))) met.add('trees');
  const { files } = capabilities;
  if (files?.supported === true && info.caller?.grants.includes('files')) {
    met.add('files');
    met.add(files.roots.length > 0 ? 'roots' : 'unconfined');
  }
  const streams = info.limits?.maxPrincipalStatsStreams ?? 0;
  if (streams > 0 && info.caller?.grants.includes('observe')) met.add('stats');
  for (const requirement of await learnNetwork(clients, info)) met.add(requirement);
  const { sandbox } = capabilities;
  if (sandbox && sandbox.mechanism !== '' && sandbox.probes.every(({ works }) => works)) {
    met.add('sandbox');
  }
  return { info, met };
}

/** Why a check cannot be done on the server; undefined if it can. */
export function reasonToSkip(needs: Check['needs'], { met }: Facts): string | undefined {
  const lacking = [needs ?? []].flat().find((need) => !met.has(need));
  return lacking === undefined ? undefined : `needs ${REQUIREMENTS[lacking]}`;
}

async function hasSetsid({ processes }: Clients): Promise<boolean> {
  const spec = specOf(['/bin/sh', '-c', 'command -v setsid']);
  try {
    const events = await new EventReader(processes.run({ spec })).rest();
    return statusOf(exitedOf(events)) === 'code 0';
  } catch {
    return false;
  }
}
