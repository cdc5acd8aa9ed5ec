import type { Environment } from '../../environment/env-policy.ts';

/**
 * Variables that change what a program does before its own code runs, or what its C library loads:
 * those that glibc drops where a program has more rights than who started it
 * (`sysdeps/generic/unsecvars.h`), those of musl, and those of locales and their messages.
 */
const NAMES: ReadonlySet<string> = new Set([
  'ENV',
  'BASH_ENV',
  'GCONV_PATH',
  'GETCONF_DIR',
  'HOSTALIASES',
  'LANG',
  'LANGUAGE',
  'LOCALDOMAIN',
  'LOCPATH',
  'NIS_PATH',
  'NLSPATH',
  'OUTPUT_CHARSET',
  'POSIXLY_CORRECT',
  'RESOLV_HOST_CONF',
  'RES_OPTIONS',
  'TMPDIR',
  'TZ',
  'TZDIR',
]);

const BEGINNINGS = ['GLIBC_', 'LC_', 'LD_', 'LIBC_', 'MALLOC_', 'MUSL_', 'SELINUX_', 'TEXTDOMAIN'];

/** Whether a variable must not be there while a program of the server's own user runs. */
function isHeld(name: string): boolean {
  return NAMES.has(name) || BEGINNINGS.some((beginning) => name.startsWith(beginning));
}

/** An environment in two parts: what does no harm to whoever has it, and what is held. */
export function divideEnvironment(env: Environment): {
  readonly harmless: Environment;
  readonly held: Environment;
} {
  const harmless = new Map<string, string>();
  const held = new Map<string, string>();
  for (const [name, value] of env) (isHeld(name) ? held : harmless).set(name, value);
  return { harmless, held };
}
