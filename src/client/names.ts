import { EndReason, OutputStream } from '../gen/runlet/v1/event_pb.ts';
import { ChangeKind, FileKind, WriteDisposition } from '../gen/runlet/v1/file_pb.ts';
import { Inherit, Overflow, ProcessState, StdinMode } from '../gen/runlet/v1/process_pb.ts';
import { SandboxAccess, SandboxNetwork, SandboxPlace } from '../gen/runlet/v1/sandbox_pb.ts';
import { Signal, SignalScope } from '../gen/runlet/v1/signal_pb.ts';
import { OptionError } from './client-error.ts';

/*
 * The enums of the protos as unions of strings: `OVERFLOW_DROP_OLDEST` is `'drop-oldest'`. The
 * tables are derived from the generated enums. The types are written out, and do not compile
 * where they differ from those: generated code stays out of what users have to compile.
 */

type Kebab<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}-${Kebab<Tail>}`
  : Lowercase<S>;

/** The values of an enum by their names, but for the one that says nothing. */
type EnumName<E> = Kebab<Exclude<keyof E & string, 'UNSPECIFIED'>>;

/** How an enum is translated. Properties and no methods: they are compared both ways. @internal */
export interface EnumNames<N extends string> {
  /** The number of a name. */
  readonly value: (name: N) => number;
  /** The name of a number; undefined for 0 and for what a newer server may send. */
  readonly name: (value: number) => N | undefined;
}

function enumNames<E extends Readonly<Record<string, string | number>>>(
  type: E,
): EnumNames<EnumName<E>> {
  const values = new Map<string, number>();
  const names = new Map<number, string>();
  for (const [key, value] of Object.entries(type)) {
    if (typeof value !== 'number' || key === 'UNSPECIFIED') continue;
    const name = key.toLowerCase().replaceAll('_', '-');
    values.set(name, value);
    names.set(value, name);
  }
  return {
    value: (name) => {
      const value = values.get(name);
      if (value === undefined) {
        throw new OptionError(
          String(name),
          `${String(name)} is none of ${[...values.keys()].join(', ')}`,
        );
      }
      return value;
    },
    name: (value) => names.get(value) as EnumName<E> | undefined,
  };
}

/** Which variables of the server a process inherits. */
export type InheritName = 'all' | 'core' | 'none';

/** What becomes of output beyond what is retained. */
export type OverflowName = 'drop-oldest' | 'pause';

/** What standard input is. */
export type StdinModeName = 'closed' | 'pipe';

/** A stream that a process writes to. */
export type OutputStreamName = 'stdout' | 'stderr' | 'terminal';

/** How far a process's life has come. */
export type ProcessStateName = 'running' | 'exited' | 'closed';

/** Why a process ended. */
export type EndReasonName =
  | 'exited'
  | 'signaled'
  | 'timed-out'
  | 'terminated'
  | 'session-expired'
  | 'session-closed'
  | 'call-cancelled'
  | 'server-shutdown';

/** Whom a signal reaches. */
export type SignalScopeName = 'group' | 'leader' | 'tree';

/** What a file is. */
export type FileKindName =
  | 'regular'
  | 'directory'
  | 'symlink'
  | 'fifo'
  | 'socket'
  | 'character-device'
  | 'block-device';

/** How a file is written; see `WriteDisposition` in the protos. */
export type WriteDispositionName = 'replace' | 'create-new' | 'in-place' | 'append';

/** What can happen to a file. */
export type ChangeKindName = 'created' | 'modified' | 'removed' | 'moved' | 'attributes';

/** What can be done at a path of a sandbox, and below it. */
export type SandboxAccessName = 'read' | 'write' | 'none';

/** A place of a sandbox that has a name; see `SandboxPlace` in the protos. */
export type SandboxPlaceName = 'platform' | 'cwd' | 'temp' | 'root';

/** What can be reached from a sandbox through the network. */
export type SandboxNetworkName = 'none' | 'host';

/** A signal, as POSIX and Linux name it. */
export type SignalName =
  | 'SIGHUP'
  | 'SIGINT'
  | 'SIGQUIT'
  | 'SIGILL'
  | 'SIGTRAP'
  | 'SIGABRT'
  | 'SIGBUS'
  | 'SIGFPE'
  | 'SIGKILL'
  | 'SIGUSR1'
  | 'SIGSEGV'
  | 'SIGUSR2'
  | 'SIGPIPE'
  | 'SIGALRM'
  | 'SIGTERM'
  | 'SIGSTKFLT'
  | 'SIGCHLD'
  | 'SIGCONT'
  | 'SIGSTOP'
  | 'SIGTSTP'
  | 'SIGTTIN'
  | 'SIGTTOU'
  | 'SIGURG'
  | 'SIGXCPU'
  | 'SIGXFSZ'
  | 'SIGVTALRM'
  | 'SIGPROF'
  | 'SIGWINCH'
  | 'SIGIO'
  | 'SIGPWR'
  | 'SIGSYS';

/** @internal */
export const INHERITS: EnumNames<InheritName> = enumNames(Inherit);
/** @internal */
export const OVERFLOWS: EnumNames<OverflowName> = enumNames(Overflow);
/** @internal */
export const STDIN_MODES: EnumNames<StdinModeName> = enumNames(StdinMode);
/** @internal */
export const OUTPUT_STREAMS: EnumNames<OutputStreamName> = enumNames(OutputStream);
/** @internal */
export const PROCESS_STATES: EnumNames<ProcessStateName> = enumNames(ProcessState);
/** @internal */
export const END_REASONS: EnumNames<EndReasonName> = enumNames(EndReason);
/** @internal */
export const SIGNAL_SCOPES: EnumNames<SignalScopeName> = enumNames(SignalScope);
/** @internal */
export const FILE_KINDS: EnumNames<FileKindName> = enumNames(FileKind);
/** @internal */
export const WRITE_DISPOSITIONS: EnumNames<WriteDispositionName> = enumNames(WriteDisposition);
/** @internal */
export const CHANGE_KINDS: EnumNames<ChangeKindName> = enumNames(ChangeKind);
/** @internal */
export const SANDBOX_ACCESSES: EnumNames<SandboxAccessName> = enumNames(SandboxAccess);
/** @internal */
export const SANDBOX_PLACES: EnumNames<SandboxPlaceName> = enumNames(SandboxPlace);
/** @internal */
export const SANDBOX_NETWORKS: EnumNames<SandboxNetworkName> = enumNames(SandboxNetwork);

/** The Linux number of a signal. @internal */
export function signalValue(name: SignalName): Signal {
  const text = String(name);
  const value = Signal[text.slice('SIG'.length) as keyof typeof Signal];
  if (!text.startsWith('SIG') || typeof value !== 'number' || value === 0)
    throw new OptionError('signal', `${text} is no signal`);
  return value;
}

/** The name of a signal by its Linux number; undefined for one without a name. @internal */
export function signalName(value: number): SignalName | undefined {
  const name = Signal[value];
  return name === undefined || value === 0 ? undefined : (`SIG${name}` as SignalName);
}
