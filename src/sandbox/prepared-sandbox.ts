import type { SandboxAccess, SandboxNetwork } from './sandbox-spec.ts';

/**
 * The number that the first of {@link PreparedSandbox.descriptors} has in bwrap(1); the others
 * follow it.
 */
export const FIRST_PREPARED_DESCRIPTOR = 11;

/**
 * That of the program that is mounted as the first process of the sandbox, at
 * {@link PreparedSandbox.first}, to be read to its end.
 */
export const FIRST_PROCESS_DESCRIPTOR = 9;

/**
 * A sandbox whose paths were found, and are held by descriptors, so that what is mounted is what was
 * looked at. It is used for one launch. To be released in the end.
 */
export interface PreparedSandbox {
  readonly network: SandboxNetwork;
  /** Whether there is a folder for temporary files, `/tmp` inside. */
  readonly hasTemp: boolean;
  /** What can be done at a path inside, an absolute one without links: what rules say of it. */
  accessAt(path: string): SandboxAccess;
  /**
   * What bwrap(1) is told to mount, in its order, with a NUL after each argument: as it is handed to
   * it. The number of a descriptor in it is {@link FIRST_PREPARED_DESCRIPTOR} and more.
   */
  readonly arguments: string;
  /**
   * Where the program of {@link FIRST_PROCESS_DESCRIPTOR} is inside, which {@link arguments} mount:
   * in a folder that is always the sandbox's own, so that no disk has it.
   */
  readonly first: string;
  /** Descriptors of this process that bwrap(1) is given: those that {@link arguments} name. */
  readonly descriptors: readonly number[];
  /** Closes {@link descriptors}: to be called when it was launched, or will not be. */
  closeDescriptors(): void;
  /**
   * To be called when nothing runs in it any more, or never will: removes from the disk what kept
   * paths from being made. Idempotent, and closes descriptors as well. Never rejects.
   */
  release(): Promise<void>;
}
