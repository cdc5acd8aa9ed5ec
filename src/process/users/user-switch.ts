import { constants, open } from 'node:fs/promises';
import type { Clock } from '../../clock.ts';
import { pathOfText, textOfBytes } from '../../system-text.ts';
import type { Launcher, LaunchRequest } from '../launcher.ts';
import { checkProgram, checkWorkingDirectory } from '../program-lookup.ts';
import { startFailure, unsupported } from '../start-failure.ts';
import { divideEnvironment } from './held-variables.ts';
import { canBecomeOthers } from './own-rights.ts';
import { type RunTool, toolRunner } from './run-tool.ts';
import type { RunUser } from './run-user.ts';
import { findSystemTools, type SystemTools } from './system-tools.ts';
import { UserLookup } from './user-lookup.ts';

/** Lets processes run as a user of the machine. */
export interface UserSwitch {
  /** Whether they can run as others than the one that this program runs as. */
  readonly others: boolean;
  /**
   * The user with a name or, in digits, a number; undefined: there is none.
   *
   * @throws RunletError `START_FAILED` if the database of users does not answer
   */
  find(asked: string): Promise<RunUser | undefined>;
  /**
   * Checks, as the user, that it may enter the folder and execute the program: what starts it
   * later has run by then, and could only exit.
   *
   * @throws RunletError `START_FAILED`
   */
  check(request: LaunchRequest, user: RunUser): Promise<void>;
  /**
   * A request for what becomes the user, and then the program, as one process.
   *
   * @throws RunletError `START_FAILED`
   */
  through(request: LaunchRequest, user: RunUser): LaunchRequest;
}

/** Bytes of a program that say what executes it: `BINPRM_BUF_SIZE` of Linux. */
const HEAD_BYTES = 256;

/** Whether it is the user, with none of our rights; and whether that may do what is asked for. */
const CHECK = `
[ "$(id -u)" = "$1" ] || exit 70
while read -r name value; do
  case $name$value in CapPrm:*[!0]* | CapEff:*[!0]* | CapAmb:*[!0]*) [ "$1" = 0 ] || exit 70 ;; esac
done < /proc/self/status || exit 70
cd -P -- "$2" || exit 71
[ -f "$3" ] && [ -x "$3" ] || exit 72
[ -z "$4" ] || [ -f "$4" ] && [ -x "\${4:-/}" ] || exit 73
`;

/** What a failed check says, by its exit code. */
const FAILURES: Readonly<Record<number, readonly ['CWD' | 'PROGRAM', string]>> = {
  71: ['CWD', 'the user cannot start in the working directory: EACCES'],
  72: ['PROGRAM', 'the user cannot execute the program: EACCES'],
  73: ['PROGRAM', 'the user cannot execute the interpreter of the program: EACCES'],
};

/**
 * How processes become users: looked at when it is asked first, and the same from then on, without
 * any process. Undefined: it cannot be said who a user is. Never rejects.
 */
export type FindUserSwitch = () => Promise<UserSwitch | undefined>;

/** Finds that out with a launcher. */
export function userSwitchFinder(launcher: Launcher, clock: Clock): FindUserSwitch {
  let found: Promise<UserSwitch | undefined> | undefined;
  return () => {
    found ??= tryUserSwitch(launcher, clock).catch(() => undefined);
    return found;
  };
}

async function tryUserSwitch(launcher: Launcher, clock: Clock): Promise<UserSwitch | undefined> {
  const own = process.geteuid?.();
  if (process.platform !== 'linux' || own === undefined) return undefined;
  const tools = await findSystemTools();
  if (tools === undefined) return undefined;
  const run = toolRunner(launcher, clock);
  const lookup = new UserLookup(tools, run, clock);
  return (await canBecomeOthers()) ? switchToAny(tools, run, lookup) : switchToOwn(own, lookup);
}

/** Of a program that can become nobody else. */
function switchToOwn(own: number, lookup: UserLookup): UserSwitch {
  return {
    others: false,
    find: (asked) => lookup.find(asked),
    async check(_request, user) {
      if (user.uid !== own) throw unsupported('SPAWN', 'run processes as another user');
    },
    through: (request) => request,
  };
}

function switchToAny(tools: SystemTools, run: RunTool, lookup: UserLookup): UserSwitch {
  return {
    others: true,
    find: (asked) => lookup.find(asked),

    async check({ cwd, program }, user) {
      await checkWorkingDirectory(cwd);
      await checkProgram(program);
      const interpreter = await interpreterOf(program);
      if (interpreter.startsWith('/')) await checkProgram(interpreter);
      const looked = interpreter.startsWith('/') ? interpreter : '';
      const args = [tools.sh, '-c', CHECK, 'sh', String(user.uid), cwd, program, looked];
      const { code } = await run(tools.chroot, becoming(user, args));
      if (code === 0) return;
      const [stage, message] = FAILURES[code ?? 0] ?? [];
      if (stage !== undefined) throw startFailure(stage, 'EACCES', message ?? '');
      throw startFailure('SPAWN', 'EPERM', 'the process cannot become that user: EPERM');
    },

    through(request, user) {
      const { args, cwd, env, program } = request;
      const { harmless, held } = divideEnvironment(env);
      const assignments = [...held].map(([name, value]) => `${name}=${value}`);
      if (program.includes('=')) {
        throw unsupported('SPAWN', 'run a program with "=" in its path as another user');
      }
      // By then it is the user's own code, and the user who enters the folder: whatever a path
      // leads to for the server, such as /proc/self/cwd, or since it was looked at.
      const settling = [tools.env, `--chdir=${cwd}`, ...assignments];
      return {
        ...request,
        cwd: '/',
        program: tools.chroot,
        arg0: tools.chroot,
        args: becoming(user, [...settling, program, ...args]),
        env: harmless,
      };
    },
  };
}

/**
 * What chroot(8) is told to become a user, and then a program. The plus signs
 * keep it from looking up names: the database of users may load code that heeds variables.
 */
function becoming({ gid, groups, uid }: RunUser, command: readonly string[]): readonly string[] {
  return [
    `--userspec=+${uid}:+${gid}`,
    `--groups=${groups.map((group) => `+${group}`).join()}`,
    '--skip-chdir',
    '/',
    ...command,
  ];
}

/**
 * The interpreter of a script; empty: it is no script. What the system could not execute would
 * be given to a shell.
 *
 * @throws RunletError `START_FAILED`, stage `PROGRAM`
 */
async function interpreterOf(program: string): Promise<string> {
  const { O_NONBLOCK, O_RDONLY } = constants;
  const file = await open(pathOfText(program), O_RDONLY | O_NONBLOCK).catch(() => undefined);
  // Root may not read what is on another machine. It is the user's to find out.
  if (file === undefined) return '';
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = textOfBytes(buffer.subarray(0, bytesRead));
    if (head.startsWith('\x7fELF')) return '';
    if (head.startsWith('#!')) return /^#![ \t]*([^ \t\n\0]*)/.exec(head)?.[1] ?? '';
  } finally {
    await file.close();
  }
  throw startFailure('PROGRAM', 'ENOEXEC', 'the program cannot be executed: ENOEXEC');
}
