import { BlockList, isIPv6 } from 'node:net';
import type { Egress } from './egress.ts';

/** What is denied where the operator says nothing: the link, and metadata services of clouds. */
const DENIED = new BlockList();
DENIED.addSubnet('169.254.0.0', 16, 'ipv4');
DENIED.addSubnet('fe80::', 10, 'ipv6');
DENIED.addAddress('fd00:ec2::254', 'ipv6');
DENIED.addAddress('100.100.100.200', 'ipv4');

/** The policy of a server of which nothing else is said. */
export const defaultEgress: Egress = {
  deniesName: () => undefined,
  denies: (_target, address) =>
    DENIED.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') ? 'default' : undefined,
};
