/**
 * Checks that the protos break no client of the baseline: the newest release
 * (a tag `v*`), or main where nothing was released yet. Needs no network. Where
 * there is no baseline it says so and succeeds.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What the check reads of the baseline. */
const SOURCES = ['buf.yaml', 'proto'];

/** The protos of the first version, whose clients are still there. */
const FIRST_VERSION = join('test', 'fixtures', 'runlet-v0.1.0.binpb');

/** What would break them is what goes over the wire; their code was generated long ago. */
const WIRE = JSON.stringify({
  version: 'v2',
  modules: [{ path: 'proto' }],
  breaking: { use: ['WIRE_JSON'] },
});

process.exitCode = run(buf(), 'breaking', '--against', FIRST_VERSION, '--config', WIRE) || main();

function main() {
  // Not a folder inside somebody else's repository, as an unpacked package may be.
  if (git('rev-parse', '--show-prefix') !== '') return skip('there is no git repository');
  const baseline = findBaseline();
  if (baseline === undefined) return skip('there is neither a tag v* nor a main branch');
  const missing = SOURCES.find(
    (path) => git('cat-file', '-e', `${baseline}:${path}`) === undefined,
  );
  if (missing !== undefined) return skip(`${baseline} has no ${missing}`);
  say(`baseline: ${baseline} (${git('rev-parse', '--short', `${baseline}^{commit}`)})`);
  const folder = mkdtempSync(join(tmpdir(), 'runlet-buf-breaking-'));
  try {
    const archive = join(folder, 'baseline.tar');
    const image = join(folder, 'baseline.binpb');
    return (
      run('git', 'archive', '--format=tar', `--output=${archive}`, baseline, ...SOURCES) ||
      run(buf(), 'build', archive, '--output', image) ||
      run(buf(), 'breaking', '--against', image)
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The newest version that was tagged, else main as the remote has it, else the local one. */
function findBaseline() {
  // With the suffix, `v1.0.0-rc.1` is older than `v1.0.0`.
  const newest = ['-c', 'versionsort.suffix=-', 'tag', '--list', 'v*', '--sort=-version:refname'];
  const [tag = ''] = (git(...newest) ?? '').split('\n');
  const candidates = ['refs/remotes/origin/main', 'refs/heads/main'];
  if (tag !== '') candidates.unshift(`refs/tags/${tag}`);
  return candidates.find((ref) => git('rev-parse', '--verify', '--quiet', ref) !== undefined);
}

/** What git prints; undefined if it fails or is not there. */
function git(...args) {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function buf() {
  return join(root, 'node_modules', '.bin', 'buf');
}

/** Runs a command in sight of the user and returns its exit code. */
function run(command, ...args) {
  const { error, status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status ?? 1;
}

function skip(why) {
  say(`no baseline: ${why}`);
  return 0;
}

function say(what) {
  process.stdout.write(`buf breaking: ${what}\n`);
}
