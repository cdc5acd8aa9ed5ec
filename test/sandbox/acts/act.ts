import type { SandboxAccess } from '../../../src/sandbox/sandbox-spec.ts';
import type { Zone } from './stage.ts';

/** What a sandbox is asked to allow, and what that comes to; or none, to see that acts work at all. */
export interface Policy {
  readonly name: string;
  /** Whether there is a sandbox. */
  readonly confined: boolean;
  /** What can be done in each folder of the stage. */
  readonly access: Readonly<Record<Zone, SandboxAccess>>;
  readonly network: 'none' | 'host';
  /** Whether there are the devices and the `/proc` that programs need. */
  readonly platform: boolean;
  /** Whether those who are confined by it are root. */
  readonly root: boolean;
}

/** What came of an act. */
export interface Outcome {
  /** What the system said: 0, that it was done; else the errno. */
  readonly answer: number;
  /** What the act got to know. */
  readonly told: string;
}

/** One thing that a program may try to do. */
export interface Act {
  readonly name: string;
  /** A subcommand of acts.c, and its arguments. */
  readonly does: readonly string[];
  /** Whether a policy lets it be done; undefined: it does not say. */
  readonly allowed: (policy: Policy) => boolean | undefined;
  /** Whether it was done, by what is seen from outside. Default: by what the system said. */
  readonly done?: (outcome: Outcome) => boolean | Promise<boolean>;
  /** Whether the system's answer tells nothing, since a part of it works always. */
  readonly answersAnyway?: boolean;
  /** Whether it is left out where nothing confines it: it takes what not every machine has, or does. */
  readonly onlyInside?: boolean;
  /** Whether it needs a terminal. */
  readonly atTerminal?: boolean;
}

/** Without a sandbox. */
export function unconfined(policy: Policy): boolean {
  return !policy.confined;
}

/** Without a sandbox, as root. */
export function unconfinedRoot(policy: Policy): boolean {
  return !policy.confined && policy.root;
}

/** In no case. */
export function never(): boolean {
  return false;
}

/** In every case. */
export function always(): boolean {
  return true;
}
