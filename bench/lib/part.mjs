// @ts-check

/** @import { Machine } from './machine.mjs' */
/** @import { Row } from './row.mjs' */

/**
 * A part of the benchmark: a file in bench/parts/.
 *
 * @typedef {object} Part
 * @property {string} name on the command line, and of the file of results
 * @property {string} summary what it measures, in a line
 * @property {(options: Options) => Promise<Result>} run measures
 */

/**
 * How a part is run.
 *
 * @typedef {object} Options
 * @property {string | undefined} profileFolder where the server leaves a CPU profile;
 *   undefined: none is taken
 * @property {(what: string) => void} say tells of progress
 */

/**
 * What a part found out. A file in bench/results/ has it, and the machine.
 *
 * @typedef {object} Result
 * @property {Contender[]} contenders all that belong to it
 * @property {Row[]} rows
 */

/**
 * What is measured, or would be if it were there.
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} about what it is, with its version, in a few words
 * @property {string} [missing] why it was not measured, and how to install it
 */

/**
 * What is stored of a part. `pooledWith`: its rounds are those of two runs, this machine
 * being as it was at the other (see pool.mjs).
 *
 * @typedef {Result & { part: string, machine: Machine, seconds: number, pooledWith?: Machine }} StoredResult
 */
