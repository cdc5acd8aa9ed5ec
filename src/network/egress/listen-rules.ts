import { BITS, type IpAddress, ipRange, isInRange, parseIp } from '../ip-address.ts';
import { parsePort, splitPort } from './host-and-port.ts';

/** Where callers may listen beside the loopback addresses. */
export interface ListenRule {
  /** As the operator wrote it. */
  readonly text: string;
  /** Undefined: at all addresses. */
  readonly address: IpAddress | undefined;
  /** Undefined: any. */
  readonly port: number | undefined;
}

/** Says where callers may listen. */
export interface ListenRules {
  /**
   * Whether one may listen at an address or `localhost`, and a port, 0 for any that is free.
   * Names are nowhere to listen at.
   */
  mayListen(host: string, port: number): boolean;
}

/**
 * Reads `HOST[:PORT]`, as `--allow-listen` takes it: an address of the machine, `0.0.0.0` for all
 * of IPv4, `::` or `*` for all.
 *
 * @throws Error that says what is wrong with it
 */
export function parseListenRule(text: string): ListenRule {
  const { host, port: written } = splitPort(text);
  const port = written === undefined ? undefined : parsePort(written);
  if (host === '*') return { text, port, address: undefined };
  const address = host.includes('%') ? undefined : parseIp(host);
  if (address === undefined) {
    throw new Error('it is no address of this machine, 0.0.0.0, :: or *');
  }
  return { text, port, address: unmapped(address) };
}

/** The rules of the operator's; of any address that is not one of loopback one has to speak. */
export function listenRules(rules: readonly ListenRule[] = []): ListenRules {
  return {
    mayListen(host, port) {
      if (host.toLowerCase() === 'localhost') return true;
      const parsed = parseIp(host);
      if (parsed === undefined) return false;
      const ip = unmapped(parsed);
      if (LOOPBACK.some((range) => isInRange(ip, range))) return true;
      return rules.some((rule) => covers(rule, ip) && (rule.port ?? port) === port);
    },
  };
}

const LOOPBACK = ['127.0.0.0/8', '::1'].map(ipRange);
const MAPPED = ipRange('::ffff:0:0/96');

/** Who may listen at all addresses may at one of them. At `::` it is those of IPv4, too. */
function covers({ address }: ListenRule, ip: IpAddress): boolean {
  if (address === undefined || (address.family === 6 && address.bits === 0n)) return true;
  if (address.family !== ip.family) return false;
  return address.bits === 0n || isInRange(ip, { ...address, prefix: BITS[ip.family] });
}

function unmapped(ip: IpAddress): IpAddress {
  return isInRange(ip, MAPPED) ? { family: 4, bits: ip.bits & 0xffff_ffffn } : ip;
}
