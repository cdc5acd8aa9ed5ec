// @ts-check

/**
 * What people use to run processes: a client, joined to its server if it has one. All
 * are used through this, so that they are measured by the same code.
 *
 * @typedef {object} Executor
 * @property {(order: Order) => Remote} start does not wait for anything
 * @property {() => void} close ends the connection
 */

/**
 * What to start.
 *
 * @typedef {object} Order
 * @property {readonly string[]} argv the program by its path, and its arguments
 * @property {boolean} [stdin] whether it is written to. Default: no
 * @property {(bytes: number) => void} [onOutput] told of output, as soon as the client
 *   has its bytes as they were written
 */

/**
 * A process that was started.
 *
 * @typedef {object} Remote
 * @property {Promise<void>} closed resolves when its exit status, which has to be 0, is
 *   known and all of its output was read
 * @property {(data: Buffer) => Promise<void>} write resolves when the next may be written:
 *   by what the executor has to slow down its callers
 * @property {() => void} kill ends it, if it has not; `closed` may reject
 */

/**
 * Makes an executor.
 *
 * @typedef {(address: string) => Promise<Executor>} Open
 */

/** What programs are given everywhere. */
export const ENVIRONMENT = { PATH: '/usr/bin:/bin', HOME: '/', LANG: 'C.UTF-8' };
