import type { Check } from './check.ts';
import { bubblewrap } from './checks/bubblewrap.ts';
import { cgroups } from './checks/cgroups.ts';
import { clock } from './checks/clock.ts';
import { closeRange } from './checks/close-range.ts';
import { descriptors } from './checks/descriptors.ts';
import { fileWatches } from './checks/file-watches.ts';
import { files } from './checks/files.ts';
import { launcher } from './checks/launcher.ts';
import { memory } from './checks/memory.ts';
import { nativeModule } from './checks/native-module.ts';
import { nodeVersion } from './checks/node-version.ts';
import { outputDisk } from './checks/output-disk.ts';
import { pidfd } from './checks/pidfd.ts';
import { proc } from './checks/proc.ts';
import { processCount } from './checks/process-count.ts';
import { processLimits } from './checks/process-limits.ts';
import { processMarks } from './checks/process-marks.ts';
import { runtimeFolder } from './checks/runtime-folder.ts';
import { sandboxes } from './checks/sandboxes.ts';
import { stateFileSystem } from './checks/state-file-system.ts';
import { stateFolder } from './checks/state-folder.ts';
import { subreaper } from './checks/subreaper.ts';
import { temporaryFolder } from './checks/temporary-folder.ts';
import { terminals } from './checks/terminals.ts';

/** All that `runlet doctor` looks at, in the order in which it is told: what others need first. */
export const CHECKS: readonly Check[] = [
  nodeVersion,
  nativeModule,
  proc,
  launcher,
  subreaper,
  processMarks,
  processLimits,
  pidfd,
  closeRange,
  cgroups,
  terminals,
  bubblewrap,
  sandboxes,
  files,
  fileWatches,
  descriptors,
  processCount,
  memory,
  stateFolder,
  stateFileSystem,
  outputDisk,
  temporaryFolder,
  runtimeFolder,
  clock,
];
