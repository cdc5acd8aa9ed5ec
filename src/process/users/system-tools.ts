import { realpath, stat } from 'node:fs/promises';

/** Where the tools of the system are. A PATH could name others. */
const FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** The tools that processes of other users need. */
export interface SystemTools {
  /** chroot(8), which becomes another user without asking the user database for anything. */
  readonly chroot: string;
  /** env(1) */
  readonly env: string;
  readonly getent: string;
  readonly id: string;
  readonly sh: string;
}

/** Finds them; undefined: one is missing, or others than root can change it. */
export async function findSystemTools(): Promise<SystemTools | undefined> {
  const found = await Promise.all(['chroot', 'env', 'getent', 'id', 'sh'].map(findTool));
  const [chroot, env, getent, id, sh] = found;
  if (!chroot || !env || !getent || !id || !sh) return undefined;
  return { chroot, env, getent, id, sh };
}

/** The path of a tool; undefined: there is none, or others than root can change it. */
export async function findTool(name: string): Promise<string | undefined> {
  for (const folder of FOLDERS) {
    const path = `${folder}/${name}`;
    if (await isRootsAlone(path)) return path;
  }
  return undefined;
}

async function isRootsAlone(path: string): Promise<boolean> {
  try {
    const { mode, uid } = await stat(await realpath(path));
    return uid === 0 && (mode & 0o022) === 0 && (mode & 0o111) !== 0;
  } catch {
    return false;
  }
}
