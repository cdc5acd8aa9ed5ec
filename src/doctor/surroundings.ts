import { tmpdir } from 'node:os';
import { type Address, defaultAddress } from '../address.ts';
import type { Clock } from '../clock.ts';
import { type ReadText, readText } from '../machine/read-text.ts';
import type { Launcher } from '../process/launcher.ts';
import { createLauncher } from '../process/launchers.ts';
import { posixSpawnLauncher } from '../process/native/posix-spawn-launcher.ts';
import type { StartedWith } from '../process/started-with.ts';
import { lookForSandboxes, type SandboxesFound } from '../sandbox/sandboxes.ts';
import { folderLooks, type LookAtFolder } from './folder-look.ts';
import { bindNative, type Native } from './native.ts';

/** What a server would be told, as far as the machine has to have it. */
export interface Wanted {
  readonly stateFolder: string;
  /** Whether somebody asked for that folder, or it is the default. */
  readonly isStateFolderAsked: boolean;
  readonly maxProcesses: number;
  readonly outputMemoryBytes: number;
  readonly outputDiskBytes: number;
}

/** All that is looked at. */
export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** Of Node.js. */
  readonly version: string;
  /** As whom this program runs; undefined: the system has no such numbers. */
  readonly uid: number | undefined;
  readonly wanted: Wanted;
  readonly startedWith: StartedWith;
  readonly read: ReadText;
  readonly native: Native;
  readonly launcher: Launcher;
  /** Why that is not the best; undefined: it is. */
  readonly whyNotBest: string | undefined;
  /** The socket at which a server listens where nothing is said. */
  readonly socket: Address & { readonly kind: 'unix' };
  readonly temporaryFolder: string;
  readonly lookAtFolder: LookAtFolder;
  /** Tries sandboxes, once; undefined: the folder for temporary files, which that takes, does not answer. */
  readonly sandboxes: () => Promise<SandboxesFound | undefined>;
  readonly clock: Clock;
}

/** What the surroundings of this program are made with. */
export interface SurroundingsOptions {
  readonly wanted: Wanted;
  readonly startedWith: StartedWith;
  /** What looks at a folder: see {@link folderLooks}. */
  readonly folderCommand: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
}

/** What this program is surrounded by. */
export function surroundings(options: SurroundingsOptions): Surroundings {
  const { clock, env, folderCommand, startedWith, wanted } = options;
  const whyNotBest = whyNoPosixSpawn(startedWith);
  const launcher = createLauncher(undefined, startedWith);
  const temporaryFolder = tmpdir();
  const lookAtFolder = folderLooks(folderCommand, clock);
  return {
    platform: process.platform,
    arch: process.arch,
    version: process.versions.node,
    uid: process.geteuid?.(),
    wanted,
    startedWith,
    read: readText,
    native: bindNative(),
    launcher,
    whyNotBest,
    socket: defaultAddress(env),
    temporaryFolder,
    lookAtFolder,
    async sandboxes() {
      // What waits there for ever would keep this program from ending.
      const facts = await lookAtFolder(temporaryFolder);
      return facts && (await lookForSandboxes(launcher));
    },
    clock,
  };
}

function whyNoPosixSpawn(startedWith: StartedWith): string | undefined {
  try {
    posixSpawnLauncher(startedWith);
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  }
}
