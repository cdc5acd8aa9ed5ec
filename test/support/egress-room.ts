import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Address, parseAddress } from '../../src/address.ts';
import { hasTool } from './needed-tools.ts';
import { MAIN } from './served.ts';

/** What is there in a network of its own. */
export interface RoomPlan {
  /** Addresses of the machine, at which all ports are listened at. */
  readonly addresses: readonly string[];
  /** Ranges that lead to it without being its own. */
  readonly routes: readonly string[];
  /** What names lead to, addresses that are separated by spaces. */
  readonly names: Readonly<Record<string, string>>;
  readonly ports: readonly number[];
  /** Servers, by their names and flags. */
  readonly servers: Readonly<Record<string, readonly string[]>>;
  /** Variables of some of them. Default: none. */
  readonly environments?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** A connection that came to one of the ports. */
export interface Came {
  readonly address: string;
  readonly port: number;
  readonly bytes: number;
}

/** Servers in a network of their own. */
export interface Room {
  /** Where a server listens: a Unix socket first. */
  listeners(server: string): readonly Address[];
  /** What has come to the ports since it was asked before. */
  came(): Promise<readonly Came[]>;
  close(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('./egress-room.mjs', import.meta.url));

/** As root of namespaces: of users, the network and what is mounted. */
const UNSHARE = ['--map-root-user', '--net', '--mount'];

/** Whether this machine lets such a room be made. */
export function canMakeRoom(): boolean {
  return hasTool('unshare', ...UNSHARE, 'ip', 'link', 'set', 'lo', 'up');
}

/** Makes one. */
export async function openRoom(plan: RoomPlan): Promise<Room> {
  const folder = await mkdtemp(join(tmpdir(), 'runlet-room-'));
  const text = JSON.stringify({ environments: {}, ...plan, folder, main: MAIN });
  const child = spawn('unshare', [...UNSHARE, process.execPath, PROGRAM, text], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { done, value } = await lines.next();
    if (done === true) throw new Error('the room has ended');
    return JSON.parse(value);
  };
  try {
    const servers = (await next()) as Readonly<Record<string, readonly string[]>>;
    return {
      listeners: (server) => (servers[server] ?? []).map(parseAddress),
      async came() {
        child.stdin.write('came\n');
        return (await next()) as readonly Came[];
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
