import { randomUUID } from 'node:crypto';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { GetServerInfoResponse } from '../gen/runlet/v1/server_pb.ts';
import { outcomeOf } from './assert.ts';
import type { Requirement } from './check.ts';
import type { Clients } from './clients.ts';
import { specOf } from './context.ts';
import { EventReader, exitedOf, statusOf } from './event-reader.ts';
import { allOf } from './file-streams.ts';

/** How long the session of the question may live, in milliseconds, if it is not closed. */
const TTL_MS = 10_000;

/** Nobody listens at the first port, which is that of tcpmux: it is only asked whether that is denied. */
const PORT = 1;

/** What of the network a server has, of that which not every server has. */
export async function learnNetwork(
  clients: Clients,
  { caller, capabilities }: GetServerInfoResponse,
): Promise<readonly Requirement[]> {
  const isGranted = (grant: string): boolean => caller?.grants.includes(grant) === true;
  const tunnels = capabilities?.tunnels;
  if (tunnels?.supported !== true || !isGranted('tunnel')) return [];
  const met: Requirement[] = [];
  if (tunnels.unixSockets) met.push('unix_sockets');
  if (await hasListener(clients)) met.push('listeners');
  // The servers that requests are sent to are listeners of the checks.
  if (!(await mayReachLoopback(clients))) return met;
  met.push('tunnels');
  const http = capabilities?.http;
  if (http?.supported === true && !http.proxied && isGranted('http')) met.push('http');
  return met;
}

async function mayReachLoopback({ sessions, tunnels }: Clients): Promise<boolean> {
  const sessionId = randomUUID();
  try {
    await sessions.createSession({ sessionId, detachedTtl: durationFromMs(TTL_MS) });
    const open = { sessionId, host: '127.0.0.1', port: PORT };
    const { summary } = await outcomeOf(allOf(tunnels.connect(opening(open))));
    return summary !== 'PERMISSION_DENIED/EGRESS_DENIED';
  } catch {
    // Whatever that is, the checks tell it.
    return true;
  } finally {
    await sessions.closeSession({ sessionId }).catch(() => {});
  }
}

async function* opening<T>(value: T) {
  yield { request: { case: 'open' as const, value } };
}

async function hasListener({ processes }: Clients): Promise<boolean> {
  const spec = specOf([
    '/bin/sh',
    '-c',
    'command -v python3 || command -v perl || command -v node',
  ]);
  try {
    const events = await new EventReader(processes.run({ spec })).rest();
    return statusOf(exitedOf(events)) === 'code 0';
  } catch {
    return false;
  }
}
