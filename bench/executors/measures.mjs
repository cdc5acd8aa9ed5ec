// @ts-check

/** @import { Executor } from './executor.mjs' */

/** What a driver is asked for, and answers. @typedef {typeof MEASURES} Measures */
export const MEASURES = { latency, firstByte, rate, echo, output, stdin };

/**
 * Starts `/bin/true` again and again, one after the other.
 *
 * @param {Executor} executor
 * @param {{ seconds: number }} request for how long
 * @returns {Promise<number[]>} from the call to start until it is known to have ended, in ms
 */
function latency({ start }, { seconds }) {
  return repeat(seconds, () => start({ argv: ['/bin/true'] }).closed);
}

/**
 * Starts a program that prints a byte, one after the other.
 *
 * @param {Executor} executor
 * @param {{ seconds: number }} request for how long
 * @returns {Promise<number[]>} from the call to start until the byte is there, in ms
 */
async function firstByte({ start }, { seconds }) {
  const latencies = [];
  const end = performance.now() + seconds * 1000;
  for (let began = performance.now(); began < end; began = performance.now()) {
    let latency = Number.NaN;
    const onOutput = () => {
      latency = performance.now() - began;
    };
    await start({ argv: ['/bin/echo', '-n', 'x'], onOutput }).closed;
    latencies.push(latency);
  }
  return latencies;
}

/**
 * Keeps so many of `/bin/true` at once.
 *
 * @param {Executor} executor
 * @param {{ seconds: number, atOnce: number }} request starts no more after so long
 * @returns {Promise<{ starts: number, seconds: number }>}
 */
async function rate({ start }, { seconds, atOnce }) {
  let starts = 0;
  const began = performance.now();
  const end = began + seconds * 1000;
  const keep = async () => {
    while (performance.now() < end) {
      starts += 1;
      await start({ argv: ['/bin/true'] }).closed;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, keep));
  return { starts, seconds: (performance.now() - began) / 1000 };
}

/**
 * Has `cat` send a byte back, again and again.
 *
 * @param {Executor} executor
 * @param {{ seconds: number }} request for how long
 * @returns {Promise<number[]>} from the call to write until the byte is back, in ms
 */
async function echo({ start }, { seconds }) {
  let arrived = () => {};
  const program = start({
    argv: ['/bin/cat'],
    stdin: true,
    onOutput: () => arrived(),
  });
  program.closed.catch(() => {});
  const latencies = await repeat(seconds, async () => {
    const back = new Promise((resolve) => {
      arrived = () => resolve(undefined);
    });
    await Promise.all([program.write(Buffer.from('x')), back]);
  });
  program.kill();
  return latencies;
}

/**
 * Reads all that a program prints.
 *
 * @param {Executor} executor
 * @param {{ argv: string[], bytes: number }} request how much that is
 * @returns {Promise<{ seconds: number }>} from the call to start to the end
 */
async function output({ start }, { argv, bytes }) {
  let got = 0;
  const began = performance.now();
  await start({ argv, onOutput: (count) => (got += count) }).closed;
  const seconds = (performance.now() - began) / 1000;
  if (got !== bytes) throw new Error(`${got} bytes of ${bytes} arrived`);
  return { seconds };
}

/**
 * Writes to a program that ends when it got all.
 *
 * @param {Executor} executor
 * @param {{ argv: string[], bytes: number, size: number }} request `size`: of each write
 * @returns {Promise<{ seconds: number }>} from the call to start to the end
 */
async function stdin({ start }, { argv, bytes, size }) {
  const piece = Buffer.alloc(size, 'x');
  const began = performance.now();
  const program = start({ argv, stdin: true });
  for (let sent = 0; sent < bytes; sent += size) {
    await Promise.race([program.write(piece.subarray(0, bytes - sent)), program.closed]);
  }
  await program.closed;
  return { seconds: (performance.now() - began) / 1000 };
}

/**
 * @param {number} seconds
 * @param {() => Promise<void>} act
 * @returns {Promise<number[]>} how long each took, in ms
 */
async function repeat(seconds, act) {
  const latencies = [];
  const end = performance.now() + seconds * 1000;
  for (let began = performance.now(); began < end; began = performance.now()) {
    await act();
    latencies.push(performance.now() - began);
  }
  return latencies;
}
