import { type Libc, loadLibc } from '../process/native/libc.ts';

/** The C library, or why it cannot be called. */
export type Native = { readonly libc: Libc } | { readonly why: string };

/** Binds it, for what is tried. */
export function bindNative(): Native {
  try {
    return { libc: loadLibc() };
  } catch (error) {
    // Node.js says further which files have asked for it.
    return { why: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  }
}
