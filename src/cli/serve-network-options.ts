import { type Command, InvalidArgumentError } from 'commander';
import { DEFAULT_LIMITS } from '../limits.ts';
import { type EgressRule, parseEgressRule } from '../network/egress/egress-rule.ts';
import { type ListenRule, parseListenRule } from '../network/egress/listen-rules.ts';
import { positiveSeconds } from './arguments.ts';
import type { Example } from './examples.ts';

/** The flags of `runlet serve` that are about its place in the network. */
export interface NetworkServeFlags {
  readonly egressAllow?: readonly EgressRule[];
  readonly egressDeny?: readonly EgressRule[];
  readonly allowListen?: readonly ListenRule[];
  /** In seconds. */
  readonly tunnelIdleTimeout: number;
}

/** Their names. */
export const NETWORK_FLAGS: readonly string[] = [
  '--egress-allow',
  '--egress-deny',
  '--allow-listen',
  '--tunnel-idle-timeout',
];

/** Examples with all of them. */
export const NETWORK_EXAMPLES: readonly Example[] = [
  {
    command:
      "runlet serve --egress-allow '*.example.org:443' --egress-allow 10.0.0.0/8 --egress-allow '[fd00::/8]:443' --egress-deny 10.0.0.1",
    does: 'Let HTTP requests and connections reach some hosts, and nothing else',
    code: null,
    prints: /^runlet listening on unix:/,
  },
  {
    command: 'runlet serve --allow-listen 0.0.0.0:8080 --allow-listen 192.0.2.1',
    does: 'Let callers listen where others than this machine reach them',
    code: null,
    prints: /^runlet listening on unix:/,
  },
  {
    command: 'runlet serve --tunnel-idle-timeout 10m',
    does: 'Reset connections over which nothing was sent for ten minutes',
    code: null,
    prints: /^runlet listening on unix:/,
  },
];

/** Adds them. */
export function addNetworkOptions(command: Command): Command {
  return command
    .option(
      '--egress-allow <rule>',
      'HOST[:PORT] or CIDR[:PORT] that HTTP and connections may reach, and nothing else; may be given again (default: all that is not denied)',
      collected(parseEgressRule),
    )
    .option(
      '--egress-deny <rule>',
      'the same, for what they may not, whatever is allowed; may be given again (default: link-local addresses and metadata services of clouds)',
      collected(parseEgressRule),
    )
    .option(
      '--allow-listen <address>',
      'HOST[:PORT] at which callers may listen: an address, 0.0.0.0, :: or *; may be given again (default: loopback addresses, as ever)',
      collected(parseListenRule),
    )
    .option(
      '--tunnel-idle-timeout <duration>',
      'how long nothing may be sent over a connection before it is reset',
      positiveSeconds,
      DEFAULT_LIMITS.tunnelIdleMs / 1000,
    );
}

/** Adds what one says to those that were given before. */
function collected<T>(parse: (text: string) => T) {
  return (text: string, earlier: readonly T[] = []): readonly T[] => {
    try {
      return [...earlier, parse(text)];
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}
