/* What several checks say of what is to be done. */

export const MEND_NATIVE = 'Mend `native-module` first.';
export const MEND_PROC = 'Mend `proc` first.';

/** Where a system call is not there or not allowed. */
export function allowCalls(calls: string, since: string): string {
  return `Use ${since} or later, and allow ${calls} where a filter of system calls forbids it: \`SystemCallFilter=\` of a unit, \`--security-opt seccomp=FILE\` of a container.`;
}
