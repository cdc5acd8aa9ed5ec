import { MIB, SECOND } from '../units.ts';

/* `runlet doctor`: how long it waits for what it tries. */

/** How long one check may take: much longer than any does, also on a machine that is busy. */
export const CHECK_MS = 20 * SECOND;

/**
 * How long a file system has to answer a look at a folder. Part of it is the start of a program of
 * its own, which looks.
 */
export const FOLDER_LOOK_MS = 10 * SECOND;

/**
 * The same for trying sandboxes: each tool has a bound of its own there, and cleans up when that is
 * over.
 */
export const SANDBOX_CHECK_MS = 60 * SECOND;

/** Descriptors of one process that runs: pipes, or a terminal. */
export const PROCESS_DESCRIPTORS = 3;

/** Descriptors that a server has beside those and its connections: files of output, threads, listeners. */
export const OTHER_DESCRIPTORS = 512;

/** Threads that a server has, which count as processes, and tools that it runs, about. */
export const OTHER_PROCESSES = 64;

/** Bytes that a server takes beside retained output: itself, and what calls under way may have. */
export const OTHER_MEMORY_BYTES = 256 * MIB;

/** Years in which runlet may run: a clock that says another was never set. */
export const FIRST_YEAR = 2025;
export const LAST_YEAR = 2100;

/** How much the time of day may go otherwise than a clock that nobody sets, while one looks. */
export const CLOCK_STEP_MS = SECOND;
