import {
  MAX_PATH_BYTES,
  MAX_SANDBOX_PROFILE_NAME,
  MAX_SANDBOX_PROFILES,
  MAX_SANDBOX_RULES,
} from '../limits.ts';
import { YamlSource } from '../yaml-source.ts';
import type { SandboxLayer, SandboxNetwork, SandboxPlace, SandboxRule } from './sandbox-spec.ts';

type Value = YamlSource['root'];

/** A name that can be typed, and stands for itself wherever it is shown. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

const ACCESSES = ['read', 'write', 'none'] as const;
const PLACES: readonly SandboxPlace[] = ['platform', 'cwd', 'temp', 'root'];
const NETWORKS: readonly SandboxNetwork[] = ['none', 'host'];

/** The keys of a rule. */
interface RuleFields {
  readonly path: string;
  readonly place: SandboxPlace;
  readonly access: SandboxRule['access'];
  readonly missing_ok: boolean;
}

/**
 * Reads profiles of sandboxes: all of them, or none. The text is YAML, so JSON too: `profiles`, an
 * object of objects by name, each with `rules` and `network`.
 *
 * @throws SourceError that says what is wrong first, and where
 */
export function parseProfiles(text: string): ReadonlyMap<string, SandboxLayer> {
  const source = new YamlSource(text);
  const fields = source.fields<{ readonly profiles: ReadonlyMap<string, SandboxLayer> }>(
    source.root,
    { profiles: (value) => parseAll(source, value) },
  );
  return fields.profiles ?? source.fail(source.root, 'profiles is missing');
}

function parseAll(source: YamlSource, value: Value): ReadonlyMap<string, SandboxLayer> {
  const profiles = new Map<string, SandboxLayer>();
  for (const [name, node, content] of source.entries(value)) {
    if (!NAME.test(name) || name.length > MAX_SANDBOX_PROFILE_NAME) {
      const most = `at most ${MAX_SANDBOX_PROFILE_NAME} characters`;
      source.fail(node, `the name of a profile has letters, digits, ".", "_" and "-", ${most}`);
    }
    if (profiles.size >= MAX_SANDBOX_PROFILES) {
      source.fail(node, `there must not be more than ${MAX_SANDBOX_PROFILES} profiles`);
    }
    profiles.set(name, parseProfile(source, content));
  }
  return profiles;
}

function parseProfile(source: YamlSource, value: Value): SandboxLayer {
  const { network = 'none', rules } = source.fields<SandboxLayer>(value, {
    rules: (list) => parseRules(source, list),
    network: (word) => source.word(word, NETWORKS),
  });
  return { rules: rules ?? source.fail(value, 'rules is missing'), network };
}

function parseRules(source: YamlSource, value: Value): readonly SandboxRule[] {
  const rules = source.list(value, (item) => parseRule(source, item));
  if (rules.length > MAX_SANDBOX_RULES) {
    source.fail(value, `there must not be more than ${MAX_SANDBOX_RULES} rules`);
  }
  return rules;
}

function parseRule(source: YamlSource, value: Value): SandboxRule {
  const {
    access,
    missing_ok: missingOk = false,
    path,
    place,
  } = source.fields<RuleFields>(value, {
    path: (item) => absolutePath(source, item),
    place: (item) => source.word(item, PLACES),
    access: (item) => source.word(item, ACCESSES),
    missing_ok: (item) => source.flag(item),
  });
  if (access === undefined) source.fail(value, 'access is missing: read, write or none');
  if (path !== undefined && place !== undefined) {
    source.fail(value, 'a rule has a path or a place, not both');
  }
  if (path !== undefined) return { at: { path }, access, missingOk };
  if (place !== undefined) return { at: { place }, access, missingOk };
  return source.fail(value, 'path is missing, or place');
}

function absolutePath(source: YamlSource, value: Value): string {
  const path = source.text(value);
  if (!path.startsWith('/')) source.fail(value, 'this must be an absolute path');
  if (!path.isWellFormed()) source.fail(value, 'this must be UTF-8');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    source.fail(value, `a path has at most ${MAX_PATH_BYTES} bytes`);
  }
  return path;
}
