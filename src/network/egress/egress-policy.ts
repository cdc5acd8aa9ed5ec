import type { DialTarget } from '../dial-target.ts';
import { canonicalHost } from '../host-name.ts';
import { BITS, type IpAddress, isInRange, parseIp } from '../ip-address.ts';
import type { Egress } from './egress.ts';
import { type EgressRule, parseEgressRule } from './egress-rule.ts';
import { formsOf, reachedIp } from './reached-address.ts';

/** What a policy is made of. */
export interface EgressPolicyOptions {
  /** What may be reached, and nothing else. Default, and if it is empty: all that is not denied. */
  readonly allow?: readonly EgressRule[] | undefined;
  /** What may not, whatever is allowed. Default: none. */
  readonly deny?: readonly EgressRule[] | undefined;
  /**
   * Whether the server itself listens at an address and port, which is never to be reached: who
   * comes back that way is somebody else. Default: it does nowhere.
   */
  readonly own?: ((address: IpAddress, port: number) => boolean) | undefined;
}

/** What is denied where no rule allows it: the link, and metadata services of clouds. */
const DEFAULT_DENIED: readonly EgressRule[] = [
  '169.254.0.0/16',
  'fe80::/10',
  'fd00:ec2::254',
  '100.100.100.200',
].map(parseEgressRule);

/**
 * The policy of the operator's rules.
 *
 * A rule that denies holds for every address that one may lead to, and wins. Where there is a
 * rule that allows, what none names is denied. What is denied by default is allowed by a rule that
 * names the host, the address, or a range with the address in it; not by one for all names below
 * another, since whoever has one of these says where it leads, and not by a range of IPv6
 * addresses that carry it.
 */
export function egressPolicy({ allow = [], deny = [], own }: EgressPolicyOptions): Egress {
  return {
    deniesName(target) {
      const name = nameOf(target);
      if (name === undefined) return undefined;
      const denied = deny.find((rule) => namesHost(rule, name, target.port));
      if (denied !== undefined) return shown('--egress-deny', denied);
      // It is not even looked up where no address would help: who asks for names tells something.
      const helps = (rule: EgressRule): boolean =>
        rule.kind === 'range' ? isForPort(rule, target.port) : namesHost(rule, name, target.port);
      return allow.length === 0 || allow.some(helps) ? undefined : NOT_ALLOWED;
    },
    denies(target, address) {
      const ip = parseIp(address);
      if (ip === undefined) return 'it is no address';
      const { port } = target;
      const name = nameOf(target);
      const forms = formsOf(ip);
      if (own !== undefined && forms.some((form) => own(form, port))) return OWN;
      const denied = deny.find(
        (rule) => namesHost(rule, name, port) || forms.some((form) => namesIp(rule, form, port)),
      );
      if (denied !== undefined) return shown('--egress-deny', denied);
      const reached = reachedIp(ip);
      const isAllowed = (rule: EgressRule): boolean =>
        namesHost(rule, name, port) || namesIp(rule, reached, port);
      if (allow.length > 0 && !allow.some(isAllowed)) return NOT_ALLOWED;
      const lifts = (rule: EgressRule, form: IpAddress): boolean =>
        (rule.kind === 'name' && namesHost(rule, name, port)) ||
        namesIp(rule, form, port) ||
        (isOfOne(rule) && namesIp(rule, reached, port));
      const byDefault = DEFAULT_DENIED.find((rule) =>
        forms.some(
          (form) => namesIp(rule, form, port) && !allow.some((allowed) => lifts(allowed, form)),
        ),
      );
      return byDefault && shown('default', byDefault);
    },
  };
}

const OWN = 'the server listens there';
const NOT_ALLOWED = 'no --egress-allow names it';

function shown(kind: string, { text }: EgressRule): string {
  return `${kind} ${text}`;
}

/** Undefined: the target is an address. */
function nameOf({ host }: DialTarget): string | undefined {
  const canonical = canonicalHost(host);
  return canonical === undefined || parseIp(canonical) !== undefined ? undefined : canonical;
}

function namesHost(rule: EgressRule, name: string | undefined, port: number): boolean {
  if (name === undefined || rule.kind === 'range' || !isForPort(rule, port)) return false;
  return rule.kind === 'name' ? name === rule.name : name.endsWith(`.${rule.name}`);
}

function namesIp(rule: EgressRule, ip: IpAddress, port: number): boolean {
  return rule.kind === 'range' && isForPort(rule, port) && isInRange(ip, rule.range);
}

function isOfOne(rule: EgressRule): boolean {
  return rule.kind === 'range' && rule.range.prefix === BITS[rule.range.family];
}

function isForPort({ port }: EgressRule, asked: number): boolean {
  return port === undefined || port === asked;
}
