import type { DialTarget } from '../dial-target.ts';

/** What the operator lets be reached. */
export interface Egress {
  /**
   * Why a name may not even be looked up, by the rules that name hosts: the rule, for the
   * operator; undefined: it may.
   */
  deniesName(target: DialTarget): string | undefined;
  /**
   * Why a connection for a target may not go to an address that its name led to, in the same way.
   * The address is one of those that Node.js tells: IPv4 in dotted form, or IPv6.
   */
  denies(target: DialTarget, address: string): string | undefined;
}
