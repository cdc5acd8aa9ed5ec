import { access, lstat, open, readFile, readlink, realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { loadKoffi } from '../../koffi.ts';
import { textOfBytes } from '../../system-text.ts';

/** A file or folder that a runtime needs. */
export interface RuntimeFile {
  /** By this name, an absolute path, it is looked for. */
  readonly name: string;
  /** The same without links. */
  readonly path: string;
  /** The links that the name leads through, by their paths without links but for themselves. */
  readonly links: readonly string[];
}

/** What runs, by the names that it is started with. */
export interface Runtime {
  /** Node.js: an absolute path, which may be a link or lead through some. */
  readonly program: string;
  /** What it runs. */
  readonly script: string;
}

/**
 * All files and folders that Node.js needs to run a script of ours: the program as it is named and
 * as links lead, the script with the modules around it, what calls the system, and the libraries
 * that both are linked with. The script is of this package, and the program is the one that runs here.
 */
export async function runtimeFiles({ program, script }: Runtime): Promise<readonly RuntimeFile[]> {
  const libraries = await librariesInUse();
  const names = new Set([
    program,
    ...(await loaderOf(program)),
    '/etc/ld.so.cache',
    ...(await packageOf(script)),
    ...(await modulesOf(script, libraries)),
    ...(await libraryFolders(libraries)),
  ]);
  const found = await Promise.all([...names].map(find));
  return found.filter((file) => file !== undefined);
}

async function find(name: string): Promise<RuntimeFile | undefined> {
  if (!(await isThere(name))) return undefined;
  return { name, path: await realpath(name), links: await linksOn(name) };
}

/** Links on one way: MAXSYMLINKS of Linux. */
const MAX_LINKS = 40;

async function linksOn(name: string): Promise<readonly string[]> {
  const links: string[] = [];
  const left = name.split('/').reverse();
  let at = '/';
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    const next = join(at, part);
    if (part === '' || part === '.' || part === '..' || !(await lstat(next)).isSymbolicLink()) {
      at = next;
      continue;
    }
    links.push(next);
    if (links.length > MAX_LINKS) break;
    const target = await readlink(next);
    if (target.startsWith('/')) at = '/';
    left.push(...target.split('/').reverse());
  }
  return links;
}

const ELF_HEAD_BYTES = 4096;
const PROGRAM_HEADERS_AT = 32;
const HEADER_BYTES_AT = 54;
const HEADER_COUNT_AT = 56;
const PT_INTERP = 3;

/** What loads a program that is linked with libraries, by the name that it has of it: elf(5). */
async function loaderOf(program: string): Promise<readonly string[]> {
  const file = await open(program);
  try {
    const head = Buffer.alloc(ELF_HEAD_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const first = Number(head.readBigUInt64LE(PROGRAM_HEADERS_AT));
    const bytes = head.readUInt16LE(HEADER_BYTES_AT);
    for (let index = 0; index < head.readUInt16LE(HEADER_COUNT_AT); index++) {
      const header = first + index * bytes;
      if (header + bytes > bytesRead) break;
      if (head.readUInt32LE(header) !== PT_INTERP) continue;
      const from = Number(head.readBigUInt64LE(header + 8));
      const name = Buffer.alloc(Number(head.readBigUInt64LE(header + 32)) - 1);
      await file.read(name, 0, name.length, from);
      return [textOfBytes(name)];
    }
    return [];
  } finally {
    await file.close();
  }
}

/** Libraries and native modules that this process has mapped, and could run. */
async function librariesInUse(): Promise<readonly string[]> {
  // It is mapped when it is used first.
  loadKoffi();
  const maps = textOfBytes(await readFile('/proc/self/maps'));
  const paths = Array.from(
    maps.matchAll(/^\S+ ..x. \S+ \S+ \d+ +(\/.*)$/gm),
    ([, path = '']) => path,
  );
  return [...new Set(paths)].filter((path) => /\.so(?:\.|$)|\.node$/.test(basename(path)));
}

/** Folders that libraries are in, by all names that a loader knows. */
async function libraryFolders(libraries: readonly string[]): Promise<readonly string[]> {
  const folders = new Set(libraries.filter((path) => !path.endsWith('.node')).map(dirname));
  const names = [...folders];
  for (const link of ['/lib', '/lib32', '/lib64', '/libx32']) {
    if (!(await isThere(link))) continue;
    const target = await realpath(link);
    if (target === link) continue;
    for (const folder of folders) {
      if (folder === target || folder.startsWith(`${target}/`)) {
        names.push(`${link}${folder.slice(target.length)}`);
      }
    }
  }
  return names;
}

/** The scripts that are loaded with one, and what says of which kind they are. */
async function packageOf(script: string): Promise<readonly string[]> {
  // Bundled, all are beside it; else they are in the folders above, of the same build.
  const isBundled = !script.endsWith('/files/agent/main-in-sandbox.js');
  const folder = isBundled ? dirname(script) : dirname(dirname(dirname(script)));
  for (const above of foldersUpFrom(folder)) {
    const description = join(above, 'package.json');
    if (await isThere(description)) return [folder, description];
  }
  return [folder];
}

/** The packages of what calls the system, by the names by which a script finds them. */
async function modulesOf(script: string, libraries: readonly string[]): Promise<readonly string[]> {
  const main = createRequire(script).resolve('koffi');
  const native = libraries.filter((path) => path.endsWith('.node'));
  const names = [main, ...native].flatMap((path) => PACKAGE.exec(path)?.[1] ?? []);
  const real = [main, ...native].flatMap((path) => PACKAGE.exec(path)?.[0] ?? dirname(path));
  const named: string[] = [];
  for (const name of names) {
    for (const from of [script, main]) named.push(...(await namedFrom(from, name)));
  }
  return [...named, ...real];
}

/** The folder of a package, and the name of it. */
const PACKAGE = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/;

/** Where a package is looked for, as Node.js does: in the first folder that has it. */
async function namedFrom(script: string, name: string): Promise<readonly string[]> {
  for (const folder of foldersUpFrom(dirname(script))) {
    const path = join(folder, 'node_modules', name);
    if (await isThere(path)) return [path];
  }
  return [];
}

function foldersUpFrom(folder: string): readonly string[] {
  const folders = [folder];
  for (let at = folder; at !== '/'; at = dirname(at)) folders.push(dirname(at));
  return folders;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
