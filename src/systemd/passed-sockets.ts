import { lstatSync } from 'node:fs';
import type { Address } from '../address.ts';
import { MAX_PASSED_SOCKETS } from '../limits.ts';
import { formatIp } from '../network/ip-address.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SO_TYPE,
  SOCK_STREAM,
  type SocketCalls,
  socketCalls,
} from './socket-calls.ts';
import type { SystemdVariables } from './variables.ts';

/** A socket that listens already, and was made by whoever started this program. */
export interface PassedSocket {
  readonly fd: number;
  /** As `FileDescriptorName=` has it; by default the name of the unit. Several may have one. */
  readonly name: string;
  /** Where it listens. */
  readonly address: Address;
  /** The mode of the file of a Unix socket; 0666 where it is not seen: others may reach it. */
  readonly mode: number;
}

/** The first descriptor that is passed, `SD_LISTEN_FDS_START`. */
const FIRST = 3;

/** What a passed socket is called that was given no name. */
const UNKNOWN = 'unknown';

/** Of a socket that is not seen, anybody may open the file. */
const ANYBODY = 0o666;

/**
 * The descriptors that were passed to a process, with their names: sd_listen_fds(3).
 *
 * @throws Error if the variables make no sense
 */
export function passedDescriptors(
  { LISTEN_FDNAMES: named, LISTEN_FDS: fds, LISTEN_PID: meant }: SystemdVariables,
  pid: number,
): readonly Pick<PassedSocket, 'fd' | 'name'>[] {
  if (fds === undefined || meant !== String(pid)) return [];
  const count = /^\d{1,9}$/.test(fds) ? Number(fds) : Number.NaN;
  if (!(count <= MAX_PASSED_SOCKETS)) {
    throw new Error(`LISTEN_FDS is ${fds}, and no number up to ${MAX_PASSED_SOCKETS}`);
  }
  const names = named?.split(':');
  if (names !== undefined && names.length !== count) {
    throw new Error(`LISTEN_FDNAMES has ${names.length} names for ${count} descriptors`);
  }
  return Array.from({ length: count }, (_, i) => ({
    fd: FIRST + i,
    name: names?.[i] || UNKNOWN,
  }));
}

/** Why {@link passedDescriptors} has none for a process. */
export function whyNonePassed(
  { LISTEN_FDS: fds, LISTEN_PID: meant }: SystemdVariables,
  pid: number,
): string {
  if (fds === undefined) return 'systemd has passed no socket: LISTEN_FDS is not set';
  if (meant === String(pid)) return 'systemd has passed no socket: LISTEN_FDS is 0';
  // Whoever is between has not become this program, but started it.
  return `systemd has passed sockets to process ${meant ?? '(none)'}, LISTEN_PID, and this is ${pid}`;
}

/**
 * The sockets that were passed to a process. No program that it starts has them.
 *
 * @throws Error if one is not open, or cannot be accepted at
 */
export function passedSockets(variables: SystemdVariables, pid: number): readonly PassedSocket[] {
  const descriptors = passedDescriptors(variables, pid);
  if (descriptors.length === 0) return [];
  const calls = socketCalls();
  return descriptors.map(({ fd, name }) => {
    const address = lookAt(calls, fd, `the socket ${name} that systemd passed, descriptor ${fd},`);
    calls.setInherited(fd, false);
    return { fd, name, address, mode: modeOf(address) };
  });
}

/** Has a program that this process becomes inherit what was passed to it. */
export function keepPassedDescriptors(variables: SystemdVariables, pid: number): void {
  for (const { fd } of passedDescriptors(variables, pid)) socketCalls().setInherited(fd, true);
}

function lookAt(calls: SocketCalls, fd: number, what: string): Address {
  if (typeOf(calls, fd, what) !== SOCK_STREAM) throw new Error(`${what} is no stream`);
  if (calls.optionOf(fd, SO_ACCEPTCONN) === 0) {
    throw new Error(`${what} does not listen: Accept= of its unit has to be no`);
  }
  switch (calls.optionOf(fd, SO_DOMAIN)) {
    case AF_INET:
      return ipAddress(4, calls.nameOf(fd));
    case AF_INET6:
      return ipAddress(6, calls.nameOf(fd));
    case AF_UNIX:
      return { kind: 'unix', path: pathIn(calls.nameOf(fd), what) };
    default:
      throw new Error(`${what} is neither of TCP nor a Unix socket`);
  }
}

function typeOf(calls: SocketCalls, fd: number, what: string): number {
  try {
    return calls.optionOf(fd, SO_TYPE);
  } catch (error) {
    // Beyond the last one that was passed are those of this program itself.
    throw new Error(`${what} is no socket, or fewer were passed than LISTEN_FDS says`, {
      cause: error,
    });
  }
}

/** Of a `sockaddr_in` (family, port, address) or a `sockaddr_in6` (family, port, flow, address). */
function ipAddress(family: 4 | 6, name: Buffer): Address {
  const bytes = family === 4 ? name.subarray(4, 8) : name.subarray(8, 24);
  const bits = BigInt(`0x${bytes.toString('hex')}`);
  return { kind: 'tcp', host: formatIp({ family, bits }), port: name.readUInt16BE(2) };
}

/** The path of a `sockaddr_un`, which has a NUL after it; one of an abstract socket begins with it. */
function pathIn(name: Buffer, what: string): string {
  const path = name.subarray(2).toString();
  if (path === '' || path.startsWith('\0')) {
    throw new Error(`${what} has no file, by whose mode the system knows who may open it`);
  }
  return path.replace(/\0.*$/s, '');
}

function modeOf(address: Address): number {
  if (address.kind !== 'unix') return 0;
  try {
    return lstatSync(address.path).mode & 0o777;
  } catch {
    return ANYBODY;
  }
}
