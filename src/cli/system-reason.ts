import { getSystemErrorMap } from 'node:util';

/** An error of the system, with what of it Node.js tells beside its types. */
type SystemError = NodeJS.ErrnoException & { readonly address?: string; readonly port?: number };

/** What the system said, without the call and what it was about: `no such file (ENOENT)`. */
export function systemReason(error: NodeJS.ErrnoException): string {
  const [name, message] = getSystemErrorMap().get(error.errno ?? 0) ?? [];
  return name === undefined ? error.message : `${message} (${name})`;
}

/** What the system said, and of what; undefined: it is no error of the system. */
export function describeSystemError(error: unknown): string | undefined {
  if (!(error instanceof Error && 'errno' in error && 'syscall' in error)) return undefined;
  const { address, path, port, syscall } = error as SystemError;
  const why = systemReason(error as SystemError);
  switch (syscall) {
    case 'uv_cwd':
      return `the working directory: ${why}`;
    case 'write':
      return `standard output: ${why}`;
    case 'listen':
      return `--listen ${port === undefined || port < 0 ? `unix:${address}` : `${address}:${port}`}: ${why}`;
    default:
      return path === undefined ? undefined : `${path}: ${why}`;
  }
}
