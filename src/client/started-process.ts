import type { Writable } from 'node:stream';
import type { OutputReadable } from './output-readable.ts';
import type { ProcessSpec } from './process-spec.ts';
import type { RemoteProcess } from './remote-process.ts';

/*
 * Which streams a process has is known from its spec, where that is written out: the types
 * say so, and one who asked for a stdin need not look whether there is one.
 */

type WithTerminal = { readonly terminal: true | object };
// A type with optional fields alone would take nothing that has none of them.
type WithoutTerminal = Pick<ProcessSpec, 'argv'> & { readonly terminal?: false | undefined };
type WithStdin = WithTerminal | { readonly stdin: 'pipe' };
type WithoutStdin = WithoutTerminal & { readonly stdin?: 'closed' | undefined };

/** `T` for a spec that says `Yes`, null for one that says `No`, either where it says neither. */
type Stream<S, Yes, No, T> = ProcessSpec extends S
  ? T | null
  : S extends Yes
    ? T
    : S extends No
      ? null
      : T | null;

/** A process that was started with a spec of the type `S`. */
export type StartedProcess<S extends ProcessSpec> = RemoteProcess & {
  readonly stdin: Stream<S, WithStdin, WithoutStdin, Writable>;
  readonly stdout: Stream<S, WithoutTerminal, WithTerminal, OutputReadable>;
  readonly stderr: Stream<S, WithoutTerminal, WithTerminal, OutputReadable>;
  readonly terminal: Stream<S, WithTerminal, WithoutTerminal, OutputReadable>;
};
