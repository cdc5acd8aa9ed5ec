import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertUnsharedFolder, ensureUnsharedFolder } from '../private-folder.ts';
import { say } from './print.ts';
import { defaultStateFolder } from './state-folder.ts';

/** A process that this user started or attached to last, at a server. */
export interface LastProcess {
  readonly session: string;
  readonly process: string;
}

/** The file's content: the last process of each server, the latest first. Ids and addresses alone. */
interface LastFile {
  readonly version: 1;
  readonly servers: readonly (LastProcess & { readonly address: string })[];
}

/** Servers whose last process is remembered. */
const MAX_SERVERS = 64;

/** The last process at a server; undefined: none is known. */
export async function lastProcessAt(address: string): Promise<LastProcess | undefined> {
  const { servers } = await readLastFile();
  return servers.find((entry) => entry.address === address);
}

/** The address at which something was started or attached to last; undefined: none is known. */
export async function lastAddress(): Promise<string | undefined> {
  return (await readLastFile()).servers[0]?.address;
}

/** Remembers a process as the last of its server. Says so if it cannot; nothing fails for it. */
export async function rememberProcess(address: string, last: LastProcess): Promise<void> {
  const { servers } = await readLastFile();
  const others = servers.filter((entry) => entry.address !== address);
  const file: LastFile = {
    version: 1,
    servers: [{ address, session: last.session, process: last.process }, ...others].slice(
      0,
      MAX_SERVERS,
    ),
  };
  try {
    await writeLastFile(`${JSON.stringify(file)}\n`);
  } catch (error) {
    say(`the process cannot be remembered as the last one: ${(error as Error).message}`);
  }
}

function lastFilePath(): string {
  return join(defaultStateFolder(process.env), 'last.json');
}

/** One that is not there, not as we write it, or anybody's, tells of nothing. */
async function readLastFile(): Promise<LastFile> {
  try {
    // It tells to which server to go.
    await assertUnsharedFolder(defaultStateFolder(process.env));
    const file = JSON.parse(await readFile(lastFilePath(), 'utf8')) as Partial<LastFile>;
    const servers = file.version === 1 && Array.isArray(file.servers) ? file.servers : [];
    return { version: 1, servers: servers.filter(isEntry) };
  } catch {
    return { version: 1, servers: [] };
  }
}

function isEntry(entry: unknown): entry is LastFile['servers'][number] {
  const { address, process, session } = { ...(entry as object) } as Record<string, unknown>;
  return [address, process, session].every((field) => typeof field === 'string');
}

/** Whoever reads it finds the old content or the new one. */
async function writeLastFile(text: string): Promise<void> {
  const path = lastFilePath();
  await ensureUnsharedFolder(defaultStateFolder(process.env));
  const unfinished = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    await writeFile(unfinished, text, { flag: 'wx', mode: 0o600 });
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
