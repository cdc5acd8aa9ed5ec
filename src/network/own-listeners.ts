import { networkInterfaces } from 'node:os';
import { Latch } from '../latch.ts';
import { type IpAddress, ipRange, isInRange, parseIp } from './ip-address.ts';

/** What tells the file of a socket from all others, as stat(2) has it: `BigIntStats` are one. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/**
 * Where the server itself listens. Whoever came back there through it would be somebody else: the
 * server, to a listener that asks the system who connects.
 */
export class OwnListeners {
  readonly #ports = new Set<number>();
  readonly #sockets = new Set<string>();
  readonly #known = new Latch();

  /** A TCP port, at whatever address. */
  addPort(port: number): void {
    this.#ports.add(port);
  }

  /** A socket of the file system. */
  addSocket(file: FileIdentity): void {
    this.#sockets.add(keyOf(file));
  }

  /** All are known: the server listens. Nothing is connected to before. */
  complete(): void {
    this.#known.open();
  }

  /** Resolves when all are known, or the signal aborts. */
  async whenKnown(signal: AbortSignal): Promise<void> {
    await this.#known.wait(signal);
  }

  /** Whether one of them has a port, at any address. */
  hasPort(port: number): boolean {
    return this.#ports.has(port);
  }

  /** Whether one of them is reached at an address and port. */
  isReachedAt(address: IpAddress, port: number): boolean {
    return this.#ports.has(port) && isOfThisMachine(address);
  }

  /**
   * Whether a file is the socket of one: by its identity, since it can have other names. It has
   * to be asked of the very file that is connected to, by a descriptor of it (`O_PATH`): what a
   * path leads to can change.
   */
  isSocket(file: FileIdentity): boolean {
    return this.#sockets.has(keyOf(file));
  }
}

function keyOf({ dev, ino }: FileIdentity): string {
  return `${dev}:${ino}`;
}

const HERE = ['127.0.0.0/8', '::1', '0.0.0.0', '::'].map(ipRange);

/** Asked for anew: addresses come and go. */
function isOfThisMachine(ip: IpAddress): boolean {
  if (HERE.some((range) => isInRange(ip, range))) return true;
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => {
      const own = parseIp(address);
      return own?.family === ip.family && own.bits === ip.bits;
    }),
  );
}
