import { readlinkSync } from 'node:fs';
import type { Clock } from '../../clock.ts';
import {
  MAX_LISTED_PORTS,
  MAX_PORT_DESCRIPTORS,
  MAX_PORT_PROCESSES,
  PORTS_TIME_MS,
} from '../../limits.ts';
import { scanProcesses } from '../../process/process-scan.ts';
import type { ProcessTree } from '../../process/process-tree.ts';
import type { DialTarget } from '../dial-target.ts';
import { listeningSockets } from './listening-sockets.ts';
import { openSockets } from './open-sockets.ts';
import { Turns } from './turns.ts';

/** A process of a session, and what came of it. */
export interface PortOwner {
  readonly id: string;
  readonly tree: Pick<ProcessTree, 'runningIn'>;
}

/** A port at which something listens. */
export interface ListeningPort extends DialTarget {
  /** The owner's. */
  readonly processId: string;
  /** The number of a process that has it open: the owner's own, if that has. */
  readonly pid: number;
  /** Whether it is in another network than this program. */
  readonly ownNetwork: boolean;
}

/** What was found. */
export interface ListedPorts {
  readonly ports: readonly ListeningPort[];
  /** Whether there may be more. */
  readonly truncated: boolean;
}

/** Finds out at which TCP ports some processes listen, and all that came of them. */
export async function listPorts(
  owners: Iterable<PortOwner>,
  clock: Clock,
  signal: AbortSignal,
): Promise<ListedPorts> {
  const turns = new Turns(clock, PORTS_TIME_MS, signal);
  const scan = await scanProcesses();
  const ports: ListeningPort[] = [];
  if (scan === undefined) return { ports, truncated: false };
  const networks = new Networks();
  let truncated = false;
  let processes = 0;
  for (const { id, tree } of owners) {
    await turns.next();
    const found = new Map<string, ListeningPort>();
    for (const { pid } of tree.runningIn(scan)) {
      if (processes >= MAX_PORT_PROCESSES || turns.over) return { ports, truncated: true };
      processes += 1;
      const network = await networks.of(pid);
      if (network === undefined || network.sockets.size === 0) continue;
      const open = await openSockets(pid, MAX_PORT_DESCRIPTORS, turns);
      truncated ||= open.truncated;
      for (const inode of open.inodes) {
        const at = network.sockets.get(inode);
        const key = `${network.name} ${at?.port} ${at?.host}`;
        if (at === undefined || found.has(key)) continue;
        found.set(key, { ...at, processId: id, pid, ownNetwork: network.isOther });
      }
    }
    ports.push(...[...found.values()].sort(byPortAndAddress));
    if (ports.length > MAX_LISTED_PORTS) {
      return { ports: ports.slice(0, MAX_LISTED_PORTS), truncated: true };
    }
  }
  return { ports, truncated };
}

function byPortAndAddress(a: DialTarget, b: DialTarget): number {
  return a.port - b.port || (a.host < b.host ? -1 : 1);
}

/** A network namespace, and what listens in it. */
interface NetworkFound {
  readonly name: string;
  readonly isOther: boolean;
  readonly sockets: ReadonlyMap<string, DialTarget>;
}

/** The networks of processes, each of which is looked at once. */
class Networks {
  readonly #own = networkName('self');
  readonly #found = new Map<string, NetworkFound>();

  /** That of a process; undefined: it cannot be looked at. */
  async of(pid: number): Promise<NetworkFound | undefined> {
    const name = networkName(pid);
    if (name === undefined) return undefined;
    const known = this.#found.get(name);
    if (known !== undefined) return known;
    const found = { name, isOther: name !== this.#own, sockets: await listeningSockets(pid) };
    this.#found.set(name, found);
    return found;
  }
}

/** What the system calls its namespace: `net:[4026531840]`. */
function networkName(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}
