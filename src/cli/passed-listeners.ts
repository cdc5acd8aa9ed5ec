import { type Address, formatAddress } from '../address.ts';
import { parseIp } from '../network/ip-address.ts';
import { type PassedSocket, passedSockets, whyNonePassed } from '../systemd/passed-sockets.ts';
import type { SystemdVariables } from '../systemd/variables.ts';
import { formatPlace, type ListenSpec, type PassedPlace, plainListener } from './listen-spec.ts';
import type { ServeFlags } from './serve-flags.ts';
import type { MetricsPlace } from './serve-metrics-options.ts';
import { UsageError } from './usage-error.ts';

/** Where a server listens, with the sockets that are there already. */
export interface Places extends MetricsPlace {
  /** Undefined: nothing is said of it, and no socket was passed. */
  readonly listen?: readonly ListenSpec[];
}

const ALL: PassedPlace = { kind: 'systemd', name: undefined };

/**
 * Finds the sockets that systemd has passed to process `pid` for what the flags name: by their
 * names; by an address, so that one unit does with a socket unit and without; and all others for
 * `systemd` alone, or where no listener is named.
 *
 * @throws UsageError if one is missing, cannot be used, or would have connections wait for ever
 */
export function placesOf(
  { listen, metrics }: Pick<ServeFlags, 'listen' | 'metrics'>,
  variables: SystemdVariables,
  pid: number,
): Places {
  const all = socketsOf(variables, pid);
  let left = all;
  const take = (isWanted: (socket: PassedSocket) => boolean): readonly PassedSocket[] => {
    const taken = left.filter(isWanted);
    left = left.filter((socket) => !isWanted(socket));
    return taken;
  };
  const socketsAt = (place: Address | PassedPlace, flag: string): readonly PassedSocket[] => {
    if (place.kind !== 'systemd') return take(({ address }) => isSame(address, place));
    const found = take(({ name }) => place.name === undefined || name === place.name);
    if (found.length > 0) return found;
    const why = all.length === 0 ? whyNonePassed(variables, pid) : `it is none of ${namesOf(left)}`;
    throw new UsageError(`${flag} ${formatPlace(place)}: ${why}`);
  };
  const told = metrics && metricsPlace(metrics, socketsAt(metrics, '--metrics'));
  const specs = listen ?? (left.length > 0 ? [plainListener(ALL)] : undefined);
  const named = specs?.map((spec) => (isAll(spec) ? [] : socketsAt(spec.address, '--listen')));
  const found = specs?.flatMap((spec, i) =>
    listenersOf(spec, isAll(spec) ? socketsAt(spec.address, '--listen') : (named?.[i] ?? [])),
  );
  const [unused] = left;
  if (unused !== undefined) {
    // Whoever connects there would not be refused, and wait for ever.
    throw new UsageError(
      `systemd has passed the socket ${unused.name}, ${formatAddress(unused.address)}, which no --listen names`,
    );
  }
  return { ...(found === undefined ? {} : { listen: found }), ...told };
}

function socketsOf(variables: SystemdVariables, pid: number): readonly PassedSocket[] {
  try {
    return passedSockets(variables, pid);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function isAll({ address }: ListenSpec<Address | PassedPlace>): boolean {
  return address.kind === 'systemd' && address.name === undefined;
}

function listenersOf(
  spec: ListenSpec<Address | PassedPlace>,
  sockets: readonly PassedSocket[],
): readonly ListenSpec[] {
  const { address: place } = spec;
  if (sockets.length === 0 && place.kind !== 'systemd') return [{ ...spec, address: place }];
  return sockets.map(({ address, fd, mode }) => ({ ...spec, address, passed: { fd, mode } }));
}

function metricsPlace(
  asked: NonNullable<ServeFlags['metrics']>,
  [socket, another]: readonly PassedSocket[],
): MetricsPlace {
  if (socket === undefined && asked.kind === 'tcp') return { metrics: asked };
  const where = `--metrics ${formatPlace(asked)}`;
  if (socket?.address.kind !== 'tcp') throw new UsageError(`${where}: it is no socket of TCP`);
  if (another !== undefined) throw new UsageError(`${where}: there are several of that name`);
  return { metrics: socket.address, metricsFd: socket.fd };
}

/** Whether two addresses are the same as they are written; names of hosts are not looked up. */
function isSame(one: Address, other: Address): boolean {
  if (one.kind === 'unix' || other.kind === 'unix') {
    return one.kind === 'unix' && other.kind === 'unix' && one.path === other.path;
  }
  const [a, b] = [parseIp(one.host), parseIp(other.host)];
  return one.port === other.port && a?.family === b?.family && a?.bits === b?.bits;
}

/** As many as there are sockets, each once. */
function namesOf(sockets: readonly PassedSocket[]): string {
  return [...new Set(sockets.map(({ name }) => name))].join(', ') || 'those that are left';
}
