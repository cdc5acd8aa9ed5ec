import { KIB, SECOND } from '../units.ts';

/* What is told of sessions and processes as it goes: `WatchStats`. */

/** `WatchStats` calls of one principal under way: some people, and what watches for them. */
export const MAX_PRINCIPAL_STATS_STREAMS = 16;

/** How often rounds of it come if nothing is asked for. */
export const DEFAULT_STATS_INTERVAL_MS = SECOND;

/** As often as anybody can read. */
export const MIN_STATS_INTERVAL_MS = SECOND / 4;

/** A graph of a day has as many points. */
export const MAX_STATS_INTERVAL_MS = 60 * SECOND;

/**
 * How long after a look at all sessions and processes the next one is, at least: a little less than
 * what is between two rounds, whose timers are not exact. Those of streams that are due at about
 * the same time share one.
 */
export const STATS_LOOK_MS = 200;

/**
 * How long it is between two looks at processor time and memory, of all processes of the machine: a
 * few microseconds each. As often as top(1) and its kin do.
 */
export const USAGE_LOOK_MS = 2 * SECOND - 100;

/** How long it is between two looks at the server itself: a millisecond where it has many threads. */
export const VITALS_LOOK_MS = 2 * SECOND - 100;

/**
 * The part of the server's time that looks at all sessions and processes may take, with the rounds
 * that tell of them to all streams; and those at processor time and memory. They are more seldom
 * else.
 */
export const STATS_PART = 0.01;
export const USAGE_PART = 0.005;

/** Bytes of one message: to make it takes a few milliseconds, in one turn of the event loop. */
export const STATS_MESSAGE_BYTES = 256 * KIB;

/** Sessions, and processes, that are gone and remembered for streams that have not told of that. */
export const MAX_STATS_REMOVALS = 20_000;

/** The numbers of sessions and processes in its streams are below this. */
export const MAX_STATS_NUMBER = 2 ** 32;

/** Processes that are looked at in one turn of the event loop. */
export const USAGE_LOOKED_IN_A_TURN = 256;

/** How often it is looked whether the event loop is late, while somebody is told of that. */
export const LOOP_LOOK_MS = 100;
