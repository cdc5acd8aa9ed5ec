import type { RunUser } from '../process/users/run-user.ts';
import type { Asker } from '../turn-queue.ts';
import type { PreparedSandbox } from './prepared-sandbox.ts';
import type { SandboxLayer, SandboxNetwork, SandboxSpec } from './sandbox-spec.ts';

/** What makes sandboxes. */
export interface SandboxMechanism {
  /** The path of bwrap(1). */
  readonly program: string;
  /** Its version, `0.8.0` for example. */
  readonly version: string;
}

/** What was found out by trying. */
export interface SandboxFacts {
  /** Empty: there is none. */
  readonly mechanism: '' | 'bubblewrap';
  /** Of the mechanism; empty: there is none, or it does not say. */
  readonly version: string;
  readonly probes: readonly SandboxProbe[];
}

/** One act that must be refused and one that must succeed. */
export interface SandboxProbe {
  readonly name: string;
  readonly works: boolean;
  /** What failed. Empty: nothing did. */
  readonly step: string;
  /** The name of the system's error. Empty: there was none. */
  readonly errnoName: string;
}

/** Whom a sandbox is made for, and where. */
export interface PrepareOptions {
  /** The folder that the place `cwd` means; undefined: none was named. */
  readonly cwd: string | undefined;
  /** Whose turn it takes. */
  readonly asker: Asker;
  /** The user that it is for, who has to be able to reach what rules name. Default: the server's. */
  readonly user?: RunUser;
}

/** The sandboxes of a server. */
export interface Sandboxes {
  /** Those that the operator configured, by name. */
  readonly profiles: ReadonlyMap<string, SandboxLayer>;
  /** Nothing is done without a sandbox. */
  readonly required: boolean;
  /** What can be enforced. Found out once; whoever asks meanwhile waits. Never rejects. */
  facts(): Promise<SandboxFacts>;
  /**
   * What makes a sandbox with this network.
   *
   * @throws RunletError `SANDBOX_UNAVAILABLE` unless all that it relies on works
   */
  mechanism(network: SandboxNetwork): Promise<SandboxMechanism>;
  /** The filter of system calls for such a sandbox, a compiled BPF program (`struct sock_filter[]`). */
  filter(network: SandboxNetwork): Uint8Array;
  /**
   * Finds what a sandbox names.
   *
   * @throws RunletError `SANDBOX_UNAVAILABLE`, `INVALID_REQUEST`
   */
  prepare(spec: SandboxSpec, options: PrepareOptions): Promise<PreparedSandbox>;
}
