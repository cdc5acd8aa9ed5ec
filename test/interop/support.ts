import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type GoTool, goToolPath, installGoTool } from '../../load/lib/go-tool.mjs';

const run = promisify(execFile);

/** The top folder of the repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The program that `npm run build` built. */
export const MAIN = join(ROOT, 'bundle', 'main.js');

const GRPCURL: GoTool = {
  module: 'github.com/fullstorydev/grpcurl',
  version: 'v1.9.3',
  package: 'github.com/fullstorydev/grpcurl/cmd/grpcurl',
};

/** What `go install` installs it by. */
export const GRPCURL_INSTALLED = `${GRPCURL.package}@${GRPCURL.version}`;

/** The page whose commands are run, and another, about files. */
export const PAGE = 'docs/grpcurl.md';
export const FILES_PAGE = 'docs/files.md';

/** The address that their commands use. */
const PAGE_ADDRESS = '127.0.0.1:50051';

/** How long the commands of one may take in all, in milliseconds: a bound for one that hangs. */
const COMMANDS_TIMEOUT_MS = 500_000;

/**
 * What the page's commands find as grpcurl. A stream that the page ends after some seconds is
 * ended when a message has come, however long that takes.
 */
const GRPCURL_OF_PAGE = `#!/bin/sh
case " $* " in
  *' -max-time 2 '*) ;;
  *) exec "$GRPCURL" "$@" ;;
esac
before=
for argument; do
  shift
  if [ "$before" = -max-time ]; then set -- "$@" 400; else set -- "$@" "$argument"; fi
  before=$argument
done
answer=$(mktemp)
"$GRPCURL" "$@" >"$answer" &
until [ "$(tail -n 1 "$answer")" = '}' ]; do sleep 0.1; done
kill $!
wait $! 2>/dev/null
cat "$answer"
rm "$answer"
exit 1
`;

/** Installs grpcurl, unless this version of it was installed before. */
export async function installGrpcurl(): Promise<void> {
  await installGoTool(GRPCURL);
}

/** Runs grpcurl and returns what it prints. */
export async function grpcurl(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(goToolPath(GRPCURL), args, { cwd: ROOT });
  return stdout;
}

/** A server of its own process, as `runlet serve` makes one. */
export interface ServedProcess {
  /** HOST:PORT, with the real port. */
  readonly address: string;
  /** Ends it with SIGTERM; resolves with its exit code, null if a signal ended it. */
  stop(): Promise<number | null>;
}

/**
 * Starts the program that `npm run build` built, on a port of its own. It lets everybody in,
 * unless the flags say who is.
 */
export async function serve(...flags: readonly string[]): Promise<ServedProcess> {
  await access(MAIN).catch((cause: unknown) => {
    throw new Error('there is no bundle/: run `npm run build` first', { cause });
  });
  const auth = flags.includes('--auth') ? [] : ['--auth', 'none'];
  const fixed = ['serve', '--listen', '127.0.0.1:0', ...auth, '--log-level', 'warn'];
  const folder = await mkdtemp(join(tmpdir(), 'runlet-test-'));
  const state = ['--state-dir', join(folder, 'state')];
  const child = spawn(process.execPath, [MAIN, ...fixed, ...state, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  return {
    address: await listeningAddress(child),
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = await exited;
      await rm(folder, { recursive: true, force: true });
      return code;
    },
  };
}

async function listeningAddress(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the standard output of the server is not a pipe');
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /^runlet listening on (\S+)$/.exec(line)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error('the server ended without listening');
}

/** What the page's commands printed, by the names of their blocks. */
export type Transcript = ReadonlyMap<string, string>;

/**
 * Runs a page's blocks of commands as a reader would: in order, in one
 * shell, which ends at the first command that fails. A block is a fence after
 * the comment `<!-- interop: NAME -->`.
 */
export async function runPageCommands(address: string, path = PAGE): Promise<Transcript> {
  const page = await readFile(join(ROOT, path), 'utf8');
  const blocks = [...page.matchAll(/^<!-- interop: (\w+) -->\n```sh\n(.*?)^```$/gms)];
  const script = blocks
    .map(([, name = '', commands = '']) => `echo '@@ ${name} @@'\n${commands}`)
    .join('')
    .replaceAll(PAGE_ADDRESS, address);
  const folder = await mkdtemp(join(tmpdir(), 'runlet-test-'));
  await writeFile(join(folder, 'grpcurl'), GRPCURL_OF_PAGE);
  await chmod(join(folder, 'grpcurl'), 0o755);
  const PATH = `${folder}:${process.env['PATH'] ?? ''}`;
  const options = {
    env: { ...process.env, PATH, TMPDIR: folder, GRPCURL: goToolPath(GRPCURL) },
    timeout: COMMANDS_TIMEOUT_MS,
  };
  try {
    return splitTranscript((await run('sh', ['-euc', script], options)).stdout);
  } catch (cause) {
    const { stderr = '', stdout = '' } = cause as Partial<Record<'stderr' | 'stdout', string>>;
    const block = [...splitTranscript(stdout).keys()].at(-1);
    throw new Error(`a command of ${path} failed, in block ${block}: ${stderr}`, { cause });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What stands after each marker, by its name. */
function splitTranscript(stdout: string): Transcript {
  const [, ...parts] = stdout.split(/^@@ (\w+) @@\n/m);
  const transcript = new Map<string, string>();
  for (let i = 0; i < parts.length; i += 2) transcript.set(parts[i] ?? '', parts[i + 1] ?? '');
  return transcript;
}

/** Reads JSON objects that are printed one after the other, each beginning a line. */
export function parseMessages<T>(text: string): readonly T[] {
  return text
    .split(/^(?=\{)/m)
    .filter((part) => part.trim() !== '')
    .map((part) => JSON.parse(part) as T);
}
