import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadKoffi } from '../koffi.ts';

/** The memory of this process. */
export interface OwnMemory {
  /** Its resident set, in bytes. */
  resident(): number;
  /** Collects all garbage. Everything else waits meanwhile; the last of it is freed a moment later. */
  collect(): void;
  /** Gives what is free back to the system, where the C library has kept it. */
  trim(): void;
}

/** As Node.js has it. */
export function ownMemory(): OwnMemory {
  let collect: (() => void) | undefined;
  let trim: (() => void) | undefined;
  return {
    resident: () => process.memoryUsage.rss(),
    collect() {
      collect ??= collector();
      collect();
    },
    trim() {
      trim ??= trimmer();
      trim();
    },
  };
}

/** What V8 has for its own tests: nothing else has it collect everything. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  try {
    const collect: unknown = runInNewContext('gc');
    return typeof collect === 'function' ? () => void collect() : () => {};
  } finally {
    // Compiled code is kept with the flags that there are then: those of all other runs.
    setFlagsFromString('--no-expose-gc');
  }
}

/** malloc_trim(3) of glibc, which keeps what is below something that is used. Others have none. */
function trimmer(): () => void {
  try {
    const trim = loadKoffi().load(null).func('int malloc_trim(size_t pad)');
    return () => void trim(0);
  } catch {
    return () => {};
  }
}
