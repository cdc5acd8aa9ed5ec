import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Sandbox, SandboxRuleSchema, SandboxSchema } from '../gen/runlet/v1/sandbox_pb.ts';
import {
  checkOptions,
  isChecked,
  isFlag,
  isOneOf,
  isRecord,
  isSystemText,
  type OptionCheck,
  type OptionChecks,
} from './check-options.ts';
import { OptionError } from './client-error.ts';
import {
  SANDBOX_ACCESSES,
  SANDBOX_NETWORKS,
  SANDBOX_PLACES,
  type SandboxAccessName,
  type SandboxNetworkName,
  type SandboxPlaceName,
} from './names.ts';
import type { SystemText } from './process-spec.ts';
import { systemText } from './system-text.ts';

/** What can be done at a path of a sandbox, or at a place, and below it. */
export type SandboxRule = {
  /** `write`: change it as well as read it; `none`: it is not there, or empty and unreadable. */
  readonly access: SandboxAccessName;
  /**
   * Whether to do without where there is nothing. Nothing can be made there then, unless `access`
   * is `write`. Default: false, the sandbox cannot be made.
   */
  readonly missingOk?: boolean | undefined;
} & (
  | {
      /** An absolute path on the server's machine. Links on the way are followed. */
      readonly path: SystemText;
      readonly place?: undefined;
    }
  | {
      /**
       * `platform`: what programs need to run; `cwd`: the working directory; `temp`: a fresh and
       * private `/tmp` in memory; `root`: all that the machine has.
       */
      readonly place: SandboxPlaceName;
      readonly path?: undefined;
    }
);

/**
 * What a process, or a call about files, can reach: what no rule names does not exist for it. What
 * cannot be enforced is refused, by a server that is too old for sandboxes as well.
 */
export interface SandboxOptions {
  /**
   * The name of a profile that the operator of the server has configured. What is said beside it can
   * only narrow it. Default: none.
   */
  readonly profile?: string | undefined;
  /**
   * Of the rules for a path and what it is in, the one for the longest path counts; of those for one
   * path `none`, then `write`, then `read`. Default: with a profile what that says, else nothing.
   */
  readonly rules?: readonly SandboxRule[] | undefined;
  /** What it reaches through the network. Default: with a profile what that says, else `none`. */
  readonly network?: SandboxNetworkName | undefined;
  /**
   * The folder that the place `cwd` means, an absolute path on the server. Of a process it is the
   * working directory: its own `cwd` need not be given beside it, and may be no other. Default: none,
   * which only rules without that place allow.
   */
  readonly cwd?: SystemText | undefined;
}

/** A sandbox, as requests have it. @internal */
export type SandboxInit = Exclude<MessageInitShape<typeof SandboxSchema>, Sandbox>;

/** A sandbox, or false where a default is to be left out. @internal */
export const isSandbox: OptionCheck = (value) =>
  value === false || isRecord(value) ? undefined : 'an object, or false';

const isName: OptionCheck = (value) =>
  typeof value === 'string' && value !== '' ? undefined : 'the name of a profile';

const isRules: OptionCheck = (value) => (Array.isArray(value) ? undefined : 'a list of rules');

const CHECKS: OptionChecks<SandboxOptions> = {
  profile: isName,
  rules: isRules,
  network: isOneOf(['none', 'host']),
  cwd: isSystemText,
};

const RULE_CHECKS: OptionChecks<SandboxRule> = {
  access: isOneOf(['read', 'write', 'none']),
  missingOk: isFlag,
  path: isSystemText,
  // Where it becomes a number.
  place: isChecked,
};

/**
 * The message of a sandbox for calls about files. `prefix`: what its options are in.
 *
 * @throws OptionError
 * @internal
 */
export function sandboxMessage(sandbox: SandboxOptions, prefix = ''): SandboxInit {
  const at = `${prefix}sandbox`;
  checkOptions('sandbox', sandbox, CHECKS, `${at}.`);
  const { cwd, network, profile = '', rules = [] } = sandbox;
  return {
    profile: wellFormed(`${at}.profile`, profile),
    rules: rules.map((rule, i) => ruleMessage(rule, `${at}.rules[${i}]`)),
    network: network === undefined ? 0 : SANDBOX_NETWORKS.value(network),
    ...(cwd === undefined ? {} : cwdFields(`${at}.cwd`, cwd)),
  };
}

/** The same for a process, whose spec says what its working directory is. @internal */
export function processSandboxMessage(sandbox: SandboxOptions): SandboxInit {
  const { cwd: _cwd, rawCwd: _rawCwd, ...message } = sandboxMessage(sandbox);
  return message;
}

/**
 * The working directory of a process that is in a sandbox: what either says.
 *
 * @throws OptionError they say different things
 * @internal
 */
export function cwdInSandbox(
  cwd: SystemText | undefined,
  sandbox: SandboxOptions | false | undefined,
): SystemText | undefined {
  const other = sandbox === false ? undefined : sandbox?.cwd;
  if (other === undefined || cwd === undefined) return cwd ?? other;
  if (Buffer.from(cwd).equals(Buffer.from(other))) return cwd;
  throw new OptionError('sandbox.cwd', 'sandbox.cwd is another folder than cwd');
}

function ruleMessage(rule: SandboxRule, at: string): MessageInitShape<typeof SandboxRuleSchema> {
  if (!isRecord(rule)) throw new OptionError(at, `${at} must be a rule, which is an object`);
  checkOptions('a rule', rule, RULE_CHECKS, `${at}.`);
  const { access, missingOk = false, path, place } = rule;
  if (access === undefined) {
    throw new OptionError(`${at}.access`, `${at}.access must be one of read, write, none`);
  }
  const common = { access: SANDBOX_ACCESSES.value(access), missingOk };
  if (place !== undefined && path === undefined) {
    return { ...common, place: SANDBOX_PLACES.value(place) };
  }
  if (path === undefined || place !== undefined) {
    throw new OptionError(at, `${at} must have either a path or a place`);
  }
  const found = absolute(`${at}.path`, path);
  return { ...common, ...(typeof found === 'string' ? { path: found } : { rawPath: found }) };
}

function cwdFields(name: string, cwd: SystemText): Pick<SandboxInit, 'cwd' | 'rawCwd'> {
  const found = absolute(name, cwd);
  return typeof found === 'string' ? { cwd: found } : { rawCwd: found };
}

function absolute(name: string, path: SystemText): SystemText {
  const found = systemText(name, path);
  const first = typeof found === 'string' ? found.charCodeAt(0) : found[0];
  if (first !== SLASH) throw new OptionError(name, `${name} must be an absolute path`);
  return found;
}

function wellFormed(name: string, value: string): string {
  if (!value.isWellFormed()) throw new OptionError(name, `${name} has no form in UTF-8`);
  return value;
}

const SLASH = 0x2f;
