// @ts-check
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

/**
 * Where and when something was measured.
 *
 * @typedef {object} Machine
 * @property {string} time ISO 8601
 * @property {string} runlet version
 * @property {Record<string, string>} packages that it depends on, each with its version
 * @property {string} node version
 * @property {string} kernel name, release and architecture
 * @property {string} libc the version of glibc, or `unknown`
 * @property {string} cpu model
 * @property {number} cores that this process may use
 * @property {number} memoryMib in MiB
 * @property {number} load the mean over the last minute, of processes that wanted to run
 */

/**
 * What is read of package.json, where versions are exact.
 *
 * @typedef {object} Manifest
 * @property {string} version
 * @property {Record<string, string>} dependencies
 * @property {Record<string, string>} optionalDependencies
 */

/**
 * Describes the machine as it is now.
 *
 * @returns {Machine}
 */
export function describeMachine() {
  const manifest = new URL('../../package.json', import.meta.url);
  const { version, dependencies, optionalDependencies } = /** @type {Manifest} */ (
    JSON.parse(readFileSync(manifest, 'utf8'))
  );
  return {
    time: new Date().toISOString(),
    runlet: version,
    packages: { ...dependencies, ...optionalDependencies },
    node: process.version,
    kernel: `${type()} ${release()} ${arch()}`,
    libc: libcVersion(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryMib: Math.round(totalmem() / 1024 / 1024),
    load: Number(loadavg()[0]?.toFixed(2)),
  };
}

/** The version of glibc that Node.js runs on. */
function libcVersion() {
  const report = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (
    process.report.getReport()
  );
  const version = report.header?.glibcVersionRuntime;
  return version === undefined ? 'unknown' : `glibc ${version}`;
}

/**
 * Says in a line when and on what something was measured.
 *
 * @param {Machine} machine
 * @returns {string}
 */
export function machineLine({ time, runlet, node, kernel, libc, cpu, cores, load }) {
  const day = time.slice(0, 10);
  const versions = `runlet ${runlet}, Node.js ${node}, ${kernel}, ${libc}`;
  return `${day} at a load of ${load}: ${versions}, ${cores} cores (${cpu})`;
}
