import { invalidField, limitExceeded } from '../../errors.ts';
import {
  SandboxAccess,
  type Sandbox as SandboxMessage,
  SandboxNetwork,
  SandboxPlace,
  type SandboxRule as SandboxRuleMessage,
} from '../../gen/runlet/v1/sandbox_pb.ts';
import { MAX_PATH_BYTES, MAX_SANDBOX_RULES } from '../../limits.ts';
import type { SandboxLayer, SandboxRule, SandboxSpec } from '../../sandbox/sandbox-spec.ts';
import { textOfBytes } from '../../system-text.ts';
import { parseEnum } from './fields.ts';
import { assertNoNul } from './spec-texts.ts';

/** What the place `cwd` means in a request. */
export type SandboxCwd =
  /** The field of this name, beside the sandbox; `given`: whether it says anything. */
  | { readonly field: string; readonly given: boolean }
  /** The sandbox's own field. */
  | 'own';

const ACCESSES = {
  [SandboxAccess.READ]: 'read',
  [SandboxAccess.WRITE]: 'write',
  [SandboxAccess.NONE]: 'none',
} as const;

const PLACES = {
  [SandboxPlace.PLATFORM]: 'platform',
  [SandboxPlace.CWD]: 'cwd',
  [SandboxPlace.TEMP]: 'temp',
  [SandboxPlace.ROOT]: 'root',
} as const;

const NETWORKS = {
  [SandboxNetwork.NONE]: 'none',
  [SandboxNetwork.HOST]: 'host',
} as const;

/**
 * Checks a sandbox. `field` is where it is in the request.
 *
 * @throws RunletError `INVALID_REQUEST`, `LIMIT_EXCEEDED`
 */
export function parseSandbox(
  field: string,
  message: SandboxMessage,
  profiles: ReadonlyMap<string, SandboxLayer>,
  cwd: SandboxCwd,
): SandboxSpec {
  const { profile } = message;
  const set = profile === '' ? undefined : profiles.get(profile);
  if (profile !== '' && set === undefined) {
    throw invalidField(`${field}.profile`, 'there is no such profile');
  }
  const own = parseLayer(field, message, set);
  const layers = [...(set === undefined ? [] : [set]), ...(own === undefined ? [] : [own])];
  const ownCwd = parseOwnCwd(field, message, cwd);
  const isAsked = layers.some(({ rules }) => rules.some(isAboutCwd));
  if (isAsked && cwd === 'own' && ownCwd === undefined) {
    throw invalidField(`${field}.cwd`, 'is required: a rule is about it');
  }
  if (isAsked && cwd !== 'own' && !cwd.given) {
    throw invalidField(cwd.field, 'is required: a rule of the sandbox is about it');
  }
  return { profile, layers, cwd: ownCwd };
}

/** What the request itself says; undefined: nothing but its profile. */
function parseLayer(
  field: string,
  { network: asked, rules }: SandboxMessage,
  profile: SandboxLayer | undefined,
): SandboxLayer | undefined {
  if (rules.length > MAX_SANDBOX_RULES) {
    throw limitExceeded('max_sandbox_rules', MAX_SANDBOX_RULES);
  }
  const network = asked === 0 ? undefined : parseEnum(`${field}.network`, asked, NETWORKS);
  const parsed = rules.map((rule, i) => parseRule(`${field}.rules[${i}]`, rule));
  if (profile === undefined) return { rules: parsed, network: network ?? 'none' };
  if (parsed.length === 0 && network === undefined) return undefined;
  // Where it says nothing of rules, or of the network, that is as the profile has it.
  return {
    rules: parsed.length === 0 ? profile.rules : parsed,
    network: network ?? profile.network,
  };
}

function parseRule(field: string, message: SandboxRuleMessage): SandboxRule {
  const { access, missingOk, path, place, rawPath } = message;
  const parsed = parseNamed(`${field}.access`, access, ACCESSES);
  const given = [path !== '', rawPath.length > 0, place !== SandboxPlace.UNSPECIFIED];
  if (given.filter(Boolean).length !== 1) {
    const fault = given.includes(true) ? 'must be given alone' : 'is required, or a place';
    throw invalidField(given[1] ? `${field}.raw_path` : `${field}.path`, fault);
  }
  const at =
    place === SandboxPlace.UNSPECIFIED
      ? { path: parseAbsolute(given[1] ? `${field}.raw_path` : `${field}.path`, path, rawPath) }
      : { place: parseNamed(`${field}.place`, place, PLACES) };
  return { at, access: parsed, missingOk };
}

function parseOwnCwd(
  field: string,
  { cwd: text, rawCwd: bytes }: SandboxMessage,
  cwd: SandboxCwd,
): string | undefined {
  if (text === '' && bytes.length === 0) return undefined;
  const given = bytes.length > 0 ? `${field}.raw_cwd` : `${field}.cwd`;
  if (cwd !== 'own') throw invalidField(given, `must be empty: ${cwd.field} says it`);
  if (text !== '' && bytes.length > 0) {
    throw invalidField(given, `must be empty where ${field}.cwd is not`);
  }
  return parseAbsolute(given, text, bytes);
}

function parseAbsolute(field: string, text: string, bytes: Uint8Array): string {
  const path = text || textOfBytes(bytes);
  if (!path.startsWith('/')) throw invalidField(field, 'must be an absolute path');
  assertNoNul(field, path);
  if (Buffer.byteLength(text) + bytes.length > MAX_PATH_BYTES) {
    throw invalidField(field, `must not be longer than ${MAX_PATH_BYTES} bytes`);
  }
  return path;
}

/** A value of an enum that has no default. */
function parseNamed<T>(field: string, value: number, known: Readonly<Record<number, T>>): T {
  if (value === 0) throw invalidField(field, 'is required');
  return parseEnum(field, value, known);
}

function isAboutCwd({ at }: SandboxRule): boolean {
  return 'place' in at && at.place === 'cwd';
}
