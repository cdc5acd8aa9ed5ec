import type { Environment } from '../../environment/env-policy.ts';
import { invalidField, limitExceeded } from '../../errors.ts';
import type {
  EnvVariable,
  ProcessSpec as ProcessSpecMessage,
} from '../../gen/runlet/v1/process_pb.ts';
import { type Limits, MAX_ENV_VARIABLES, MAX_USER_NAME_BYTES } from '../../limits.ts';
import { textOfBytes } from '../../system-text.ts';
import { argvBytes } from './encoded-size.ts';

/** What can be the name of a user in passwd(5), and is no option of a program. */
const USER = /^[^\s\p{C}:,/+-][^\s\p{C}:,/]*$/u;

/* What of a spec the system takes as bytes: each has a field of texts, and one of bytes. */

/** The program and its arguments. */
export function parseArgv(
  { argv, rawArgv: bytes }: ProcessSpecMessage,
  { maxArgvBytes }: Pick<Limits, 'maxArgvBytes'>,
): readonly string[] {
  assertOne('spec.raw_argv', 'spec.argv', argv.length > 0, bytes.length > 0);
  const [field, given] =
    bytes.length === 0
      ? (['spec.argv', argv] as const)
      : (['spec.raw_argv', bytes.map(textOfBytes)] as const);
  if (given.length === 0 || given[0] === '') throw invalidField(field, 'must name a program');
  if (argvBytes(given) > maxArgvBytes) throw limitExceeded('max_argv_bytes', maxArgvBytes);
  given.forEach((argument, i) => {
    assertNoNul(`${field}[${i}]`, argument);
  });
  return given;
}

/** What the program sees as its own name; empty: nothing is said. */
export function parseArg0({ arg0, rawArg0 }: ProcessSpecMessage): string {
  return parseEither('spec.arg0', arg0, rawArg0);
}

/** The working directory; empty: nothing is said. */
export function parseCwd({ cwd, rawCwd }: ProcessSpecMessage): string {
  const path = parseEither('spec.cwd', cwd, rawCwd);
  if (path !== '' && !path.startsWith('/')) {
    throw invalidField(cwd === '' ? 'spec.raw_cwd' : 'spec.cwd', 'must be an absolute path');
  }
  return path;
}

/** @throws RunletError `LIMIT_EXCEEDED` if the variables that a spec sets are too many bytes */
export function assertEnvironmentFits(
  { env, envPolicy, rawEnv }: ProcessSpecMessage,
  { maxEnvBytes }: Pick<Limits, 'maxEnvBytes'>,
): void {
  let bytes = 0;
  for (const { name, value } of rawEnv) bytes += name.length + value.length;
  for (const [name, value] of [...Object.entries(env), ...Object.entries(envPolicy?.set ?? {})]) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (bytes > maxEnvBytes) throw limitExceeded('max_env_bytes', maxEnvBytes);
}

/** Variables. The errors name none: a client may have put a secret in the wrong place. */
export function parseEnvironment(
  field: string,
  env: Readonly<Record<string, string>>,
  bytes: readonly EnvVariable[] = [],
): Environment {
  const texts = Object.entries(env);
  if (texts.length + bytes.length > MAX_ENV_VARIABLES) {
    throw invalidField(field, `more than ${MAX_ENV_VARIABLES} variables`);
  }
  for (const [name, value] of texts) assertVariable(field, name, value);
  const variables = new Map(texts);
  for (const entry of bytes) {
    const name = textOfBytes(entry.name);
    const value = textOfBytes(entry.value);
    assertVariable(rawOf(field), name, value);
    if (variables.has(name)) throw invalidField(rawOf(field), 'a name must be there once');
    variables.set(name, value);
  }
  return variables;
}

/** Whom it runs as, a name or a number in digits; undefined: nothing is said. */
export function parseUser(message: ProcessSpecMessage): string | undefined {
  const { user } = message;
  if (user === '') return undefined;
  if (Buffer.byteLength(user) > MAX_USER_NAME_BYTES || !USER.test(user)) {
    throw invalidField('spec.user', 'must be the name of a user or its number');
  }
  if (parseArg0(message) !== '') {
    throw invalidField('spec.arg0', 'cannot be given together with spec.user');
  }
  return user;
}

export function assertNoNul(field: string, value: string): void {
  if (value.includes('\0')) throw invalidField(field, 'must not contain NUL');
}

function assertVariable(field: string, name: string, value: string): void {
  if (name === '' || /[=\0]/.test(name)) {
    throw invalidField(field, 'a name must not be empty nor contain "=" or NUL');
  }
  if (value.includes('\0')) throw invalidField(field, 'a value must not contain NUL');
}

function parseEither(field: string, text: string, bytes: Uint8Array): string {
  assertOne(rawOf(field), field, text !== '', bytes.length > 0);
  assertNoNul(bytes.length === 0 ? field : rawOf(field), text || textOfBytes(bytes));
  return text || textOfBytes(bytes);
}

/** The twin of a field: `spec.raw_cwd` of `spec.cwd`. */
function rawOf(field: string): string {
  return field.replace(/[^.]+$/, 'raw_$&');
}

function assertOne(field: string, twin: string, hasTwin: boolean, hasBytes: boolean): void {
  if (hasTwin && hasBytes) throw invalidField(field, `must be empty where ${twin} is not`);
}
