/** What can be done at a path and below it. */
export type SandboxAccess = 'read' | 'write' | 'none';

/** Places that have a name, as the protos' `SandboxPlace` describes them. */
export type SandboxPlace = 'platform' | 'cwd' | 'temp' | 'root';

/** What can be reached through the network: nothing, or what the machine reaches. */
export type SandboxNetwork = 'none' | 'host';

/** What can be done at one path, or at a place. */
export interface SandboxRule {
  /** An absolute path, a text of system-text.ts; or a place. */
  readonly at: { readonly path: string } | { readonly place: SandboxPlace };
  readonly access: SandboxAccess;
  /** Whether it is left out where there is nothing. */
  readonly missingOk: boolean;
}

/** Rules, and a network, that one side has set: an operator, or whoever asks. */
export interface SandboxLayer {
  readonly rules: readonly SandboxRule[];
  readonly network: SandboxNetwork;
}

/** What an operator has set, by names that requests give. */
export type SandboxProfiles = ReadonlyMap<string, SandboxLayer>;

/** A sandbox as it is asked for. */
export interface SandboxSpec {
  /** The name of its profile; empty: none. */
  readonly profile: string;
  /** What each of them allows can be done, and nothing else. At least one. */
  readonly layers: readonly SandboxLayer[];
  /**
   * What the place `cwd` means, an absolute path. Undefined: no rule names that place, or it is that
   * of the process.
   */
  readonly cwd: string | undefined;
}
