import { EndReason, OutputStream } from '../gen/runlet/v1/event_pb.ts';
import { Inherit, Overflow, ProcessState, StdinMode } from '../gen/runlet/v1/process_pb.ts';
import { Signal, SignalScope } from '../gen/runlet/v1/signal_pb.ts';

/*
 * The enums of the protos as unions of strings: `OVERFLOW_DROP_OLDEST` is `'drop-oldest'`.
 * Both the types and the tables are derived from the generated enums.
 */

type Kebab<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}-${Kebab<Tail>}`
  : Lowercase<S>;

/** The values of an enum by their names, but for the one that says nothing. */
export type EnumName<E> = Kebab<Exclude<keyof E & string, 'UNSPECIFIED'>>;

/** How an enum is translated. */
export interface EnumNames<N extends string> {
  /** The number of a name. */
  value(name: N): number;
  /** The name of a number; undefined for 0 and for what a newer server may send. */
  name(value: number): N | undefined;
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
        throw new TypeError(`${String(name)} is none of ${[...values.keys()].join(', ')}`);
      }
      return value;
    },
    name: (value) => names.get(value) as EnumName<E> | undefined,
  };
}

/** Which variables of the server a process inherits. */
export type InheritName = EnumName<typeof Inherit>;
/** What becomes of output beyond what is retained. */
export type OverflowName = EnumName<typeof Overflow>;
/** What standard input is. */
export type StdinModeName = EnumName<typeof StdinMode>;
/** A stream that a process writes to. */
export type OutputStreamName = EnumName<typeof OutputStream>;
/** How far a process's life has come. */
export type ProcessStateName = EnumName<typeof ProcessState>;
/** Why a process ended. */
export type EndReasonName = EnumName<typeof EndReason>;
/** Whom a signal reaches. */
export type SignalScopeName = EnumName<typeof SignalScope>;
/** A signal, as POSIX names it. */
export type SignalName = `SIG${Exclude<keyof typeof Signal, 'UNSPECIFIED'>}`;

export const INHERITS: EnumNames<InheritName> = enumNames(Inherit);
export const OVERFLOWS: EnumNames<OverflowName> = enumNames(Overflow);
export const STDIN_MODES: EnumNames<StdinModeName> = enumNames(StdinMode);
export const OUTPUT_STREAMS: EnumNames<OutputStreamName> = enumNames(OutputStream);
export const PROCESS_STATES: EnumNames<ProcessStateName> = enumNames(ProcessState);
export const END_REASONS: EnumNames<EndReasonName> = enumNames(EndReason);
export const SIGNAL_SCOPES: EnumNames<SignalScopeName> = enumNames(SignalScope);

/** The Linux number of a signal. */
export function signalValue(name: SignalName): Signal {
  const value = Signal[name.slice('SIG'.length) as keyof typeof Signal];
  if (!name.startsWith('SIG') || typeof value !== 'number' || value === 0)
    throw new TypeError(`${name} is no signal`);
  return value;
}

/** The name of a signal by its Linux number; undefined for one without a name. */
export function signalName(value: number): SignalName | undefined {
  const name = Signal[value];
  return name === undefined || value === 0 ? undefined : (`SIG${name}` as SignalName);
}
