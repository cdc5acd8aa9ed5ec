import { KIB, MIB } from '../units.ts';

/* Sandboxes: what one may be told, and what it may take. */

/** Rules of one request, and of one profile. */
export const MAX_SANDBOX_RULES = 256;

/** Profiles of one server, and characters of the name of one. */
export const MAX_SANDBOX_PROFILES = 256;
export const MAX_SANDBOX_PROFILE_NAME = 128;

/** Mounts of one sandbox: each holds a descriptor until it is launched, and bwrap(1) takes 9000 arguments. */
export const MAX_SANDBOX_MOUNTS = 512;

/** Names that are looked at to find all that the rules of one sandbox name, links included. */
export const MAX_SANDBOX_NAMES = 16 * KIB;

/**
 * Sandboxes whose mounts a thread for files remembers, of those with so few names and characters of
 * rules: some MiB at most.
 */
export const MAX_KNOWN_SANDBOXES = 16;
export const MAX_KNOWN_SANDBOX_NAMES = 512;
export const MAX_KNOWN_SANDBOX_CHARACTERS = 16 * KIB;

/** Bytes of its folder for temporary files, and of its shared memory: both are memory of the machine. */
export const SANDBOX_TEMP_BYTES = 1024 * MIB;
export const SANDBOX_SHM_BYTES = 64 * MIB;

/**
 * Milliseconds from its start until a server tries what sandboxes rely on, unless somebody asks
 * before: that takes some hundred milliseconds of a processor.
 */
export const SANDBOX_TRY_MS = 1000;
