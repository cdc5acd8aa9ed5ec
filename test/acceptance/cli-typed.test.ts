import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAIN, resultOf } from '../support/cli.ts';
import { type CliUser, cliUser } from '../support/cli-user.ts';
import { serveHere } from '../support/harness.ts';

/** What must come of a command line. */
interface Outcome {
  /** Default: 0. */
  readonly code?: number;
  /** What standard output is, or matches. Default: nothing. */
  readonly out?: string | RegExp;
  /** What standard error is, or matches. Default: nothing. */
  readonly err?: string | RegExp;
}

type Typed = readonly [line: string, outcome: Outcome];

const UUID = '[0-9a-f-]{36}';

/*
 * What people type who know docker, kubectl, ssh, env and timeout. There are a process `web` that
 * runs, with the label app=web, and one `done` that wrote `out` and `err` and exited with 3. The
 * working directory is the user's, with a folder `sub` and a file `vars`.
 */

/** Flags end where the program begins. */
const PROGRAMS: readonly Typed[] = [
  ['runlet run echo hello', { out: 'hello\n' }],
  ['runlet run -- echo hello', { out: 'hello\n' }],
  ['runlet run ls -l /dev/null', { out: /^c.*\/dev\/null\n$/ }],
  ['runlet run ls -1 sub', { out: 'inner\n' }],
  ["runlet run sh -c 'echo $0 $1' -t --json", { out: '-t --json\n' }],
  ['runlet run echo --help', { out: /^Usage: .*echo/ }],
  ['runlet run echo -v --version', { out: '-v --version\n' }],
  ['runlet run echo -- --', { out: '-- --\n' }],
  ['runlet run -- echo -- x', { out: '-- x\n' }],
  ['runlet run echo --cwd / --env A=1', { out: '--cwd / --env A=1\n' }],
  ['runlet run env -i A=1 env', { out: 'A=1\n' }],
  ['runlet run timeout 5 echo x', { out: 'x\n' }],
  ['runlet run cat --env-file x < /dev/null', { code: 1, err: /cat: unrecognized option/ }],
  ['runlet run tail -n 1 vars', { out: 'B=two words\n' }],
  ['runlet run grep -c A vars', { out: '1\n' }],
  ['runlet run -t echo -n x', { out: 'x' }],
  ['runlet run printf %s a', { out: 'a' }],
  ["runlet run sh -c 'exit 7'", { code: 7 }],
  ["runlet run sh -c 'kill -TERM $$'; echo $?", { out: '143\n', err: 'Terminated\n' }],
  ['runlet run false', { code: 1 }],
  [
    'runlet run no-such-program',
    { code: 127, err: 'runlet: no-such-program: no such program: ENOENT (START_FAILED)\n' },
  ],
  ['runlet run /', { code: 126, err: /\(START_FAILED\)/ }],
  ['runlet run ./sub', { code: 126, err: /\(START_FAILED\)/ }],
  ['echo data | runlet run cat', { out: 'data\n' }],
  ['echo data | runlet run tr a-z A-Z', { out: 'DATA\n' }],
  ['runlet run sh -c "echo out; echo err >&2" 2>&1 >/dev/null', { out: 'err\n' }],
  ['runlet run', { code: 2, err: /<program> is missing/ }],
  ['runlet run --', { code: 2, err: /<program> is missing/ }],
  ['runlet run -l ls', { code: 2, err: /unknown option -l;/ }],
];

/** Flags that people know. */
const FLAGS: readonly Typed[] = [
  ['runlet run -i cat < vars', { out: 'A=1\n# a comment\nB=two words\n' }],
  ["runlet run -t sh -c 'test -t 0 && echo terminal'", { out: 'terminal\r\n' }],
  ["runlet run -it sh -c 'test -t 1 && echo terminal'", { out: 'terminal\r\n' }],
  ["runlet run -ti sh -c 'test -t 1 && echo terminal'", { out: 'terminal\r\n' }],
  ['runlet run --rm echo x', { out: 'x\n' }],
  ['runlet run --rm -i cat < /dev/null', {}],
  ["runlet run -e A=1 sh -c 'echo $A'", { out: '1\n' }],
  ["runlet run -e A=1 -e B=2 sh -c 'echo $A$B'", { out: '12\n' }],
  ["A=here runlet run -e A sh -c 'echo $A'", { out: 'here\n' }],
  ["runlet run --env A=1 sh -c 'echo $A'", { out: '1\n' }],
  ["runlet run --env-file vars sh -c 'echo $A-$B'", { out: '1-two words\n' }],
  ["runlet run --env-file vars -e A=3 sh -c 'echo $A'", { out: '3\n' }],
  ['runlet run --env-file none true', { code: 2, err: /--env-file none: .*ENOENT/ }],
  ['runlet run -w / pwd', { out: '/\n' }],
  ['runlet run --cwd / pwd', { out: '/\n' }],
  ['runlet run --cwd sub ls', { out: 'inner\n' }],
  ['runlet run --cwd . ls sub', { out: 'inner\n' }],
  ['runlet run -w none pwd', { code: 125, err: /\/none: .*: ENOENT \(START_FAILED\)\n$/ }],
  ['runlet run --name x echo y', { out: 'y\n' }],
  ['runlet run --timeout 0.2 sleep 60', { code: 124, err: /timed-out/ }],
  ['runlet run --timeout 200ms sleep 60', { code: 124, err: /timed-out/ }],
  ['runlet run --timeout 1m30s echo x', { out: 'x\n' }],
  ['runlet run --timeout 5 echo x', { out: 'x\n' }],
  ['runlet run --timeout 5x echo x', { code: 2, err: /no span of time/ }],
  ["runlet run --limit open-files=64 sh -c 'ulimit -n'", { out: '64\n' }],
  [
    "runlet run --limit file-size=1KiB sh -c 'head -c 2048 /dev/zero >big'",
    { code: 153, err: /^/ },
  ],
  ['runlet run --limit nonsense=1 true', { code: 2, err: /there is no limit nonsense/ }],
  ["runlet run --merge-stderr sh -c 'echo x >&2'", { out: 'x\n' }],
  ['runlet run --json true', { out: /^\{"seq":1,.*"kind":"started"/ }],
  ['runlet run --local echo x', { out: 'x\n' }],
];

/** Going on by itself: where one stands, with what one has. */
const STARTS: readonly Typed[] = [
  ['runlet start -q sleep 60', { out: /^[0-9a-f]{8}\n$/ }],
  ['runlet start sleep 60', { out: new RegExp(`^session {2}${UUID}\nprocess {2}[0-9a-f]{8}\n$`) }],
  ['runlet run -d sleep 60', { out: new RegExp(`^session {2}${UUID}\nprocess  [0-9a-f]{8}\n$`) }],
  ['runlet run -d --name d1 sleep 60', { out: /\nprocess {2}d1\n$/ }],
  ['runlet run -dit --name d2 sh', { out: /\nprocess {2}d2\n$/ }],
  ['runlet start --name s1 -q echo -n x && runlet logs -f s1', { out: 's1\nx' }],
  ['cd sub && runlet start --name s2 -q ls && runlet logs -f s2', { out: 's2\ninner\n' }],
  ['runlet start --name s3 -q -w sub ls && runlet logs -f s3', { out: 's3\ninner\n' }],
  [
    "MINE=here runlet start --name s4 -q sh -c 'echo $MINE' && runlet logs -f s4",
    { out: 's4\nhere\n' },
  ],
  [
    "MINE=here runlet start --env-policy core --name s5 -q sh -c 'echo [$MINE]' && runlet logs -f s5",
    { out: 's5\n[]\n' },
  ],
  [
    "RUNLET_X=1 runlet start --name s6 -q sh -c 'echo [$RUNLET_X]' && runlet logs -f s6",
    { out: 's6\n[]\n' },
  ],
  [
    'runlet start --label a=b --label c=d -q --name s7 true && runlet ps -aq -f label=c=d',
    { out: 's7\ns7\n' },
  ],
  ['runlet start --ttl 1h --retention 10m -q --name s8 true', { out: 's8\n' }],
  ['runlet start --retained-bytes 64MiB --overflow pause -q --name s9 true', { out: 's9\n' }],
  ['runlet start --drain-timeout 1s -q --name s10 true', { out: 's10\n' }],
  ['runlet start --retained-bytes 64XB true', { code: 2, err: /no number of bytes/ }],
  [
    'runlet start --id web true; runlet start --session $(runlet inspect web | sed -n \'s/.*"session": "\\(.*\\)".*/\\1/p\' | head -n 1) --id web true',
    { code: 125, out: /process {2}web/, err: /PROCESS_EXISTS|several/ },
  ],
];

/** Looking at what is there. */
const LOOKS: readonly Typed[] = [
  ['runlet ps', { out: /^PROCESS .*\n(?:.*\n)*web +[0-9a-f]{8} +\d+ +running .*sleep 1000\n/ }],
  ['runlet ps -a', { out: /\ndone +[0-9a-f]{8} +\d+ +exit 3 / }],
  ['runlet ps --all', { out: /\ndone / }],
  ['runlet ps -q --filter label=app=web', { out: 'web\n' }],
  ['runlet ps -q -f label=app', { out: 'web\n' }],
  ['runlet ps -aq -f label=app=db', {}],
  ['runlet ps -f label=app -o name', { out: 'web\n' }],
  ['runlet ps -f label=app --format json', { out: /^\{"session":.*"process":"web",.*\}\n$/ }],
  ['runlet ps -f label=app --json', { out: /^\{"session":.*"process":"web",.*\}\n$/ }],
  ['runlet ps -f status=x', { code: 2, err: /it is none of state=running/ }],
  ['runlet logs done', { out: 'out\n', err: 'err\n' }],
  ['runlet logs done 2>/dev/null', { out: 'out\n' }],
  ['runlet logs -f done', { out: 'out\n', err: 'err\n' }],
  ['runlet logs --follow done', { out: 'out\n', err: 'err\n' }],
  ['runlet logs nope', { code: 125, err: /PROCESS_NOT_FOUND/ }],
  ['runlet logs', { out: 'out\n', err: 'err\n' }],
  ['runlet inspect web', { out: /^\[\n {2}\{\n {4}"session": ".*",\n {4}"process": "web",/ }],
  ['runlet inspect web done', { out: /"process": "web"(?:.*\n)*.*"process": "done"/ }],
  ['runlet inspect nope', { code: 125, err: /PROCESS_NOT_FOUND/ }],
  ['runlet sessions', { out: /^SESSION +ATTACHED +PROCESSES / }],
  ['runlet sessions --json', { out: /^\{"session":/ }],
  ['runlet info', { out: /^address +unix:/ }],
  ['runlet info --json', { out: /^\{"address":/ }],
  ['runlet version', { out: /^client {2}\d.*\nserver {2}\d/ }],
  ['runlet --version', { out: /^\d+\.\d+\.\d+\n$/ }],
  ['runlet -v', { out: /^\d+\.\d+\.\d+\n$/ }],
  ['runlet --help', { out: /Usage: runlet / }],
  ['runlet -h', { out: /Usage: runlet / }],
  ['runlet help', { out: /Usage: runlet / }],
  ['runlet help run', { out: /Usage: runlet run / }],
  ['runlet run --help', { out: /Usage: runlet run / }],
  ['runlet run -h', { out: /Usage: runlet run / }],
  ['runlet', { code: 2, err: /Usage: runlet / }],
  ['runlet lgos', { code: 2, err: /unknown command lgos \(did you mean logs\?\)/ }],
  ['runlet logs --folow', { code: 2, err: /did you mean --follow\?/ }],
];

/** Working with what is there. */
const WORK: readonly Typed[] = [
  ['runlet exec web echo hello', { out: 'hello\n' }],
  ['runlet exec web -- echo hello', { out: 'hello\n' }],
  ['runlet exec web ls -1 sub', { out: 'inner\n' }],
  ['runlet exec -i web cat < vars', { out: /^A=1\n/ }],
  ["runlet exec -it web sh -c 'test -t 0 && echo terminal'", { out: 'terminal\r\n' }],
  ["runlet exec -e A=1 web sh -c 'echo $A'", { out: '1\n' }],
  ['runlet exec -w / web pwd', { out: '/\n' }],
  ['runlet exec web sh -c "exit 9"', { code: 9 }],
  ['runlet exec web', { code: 2, err: /<program> is missing/ }],
  ['runlet exec web --', { code: 2, err: /<program> is missing/ }],
  ['runlet exec nope true', { code: 125, err: /PROCESS_NOT_FOUND/ }],
  ['runlet attach --no-stdin done', { code: 3, out: 'out\n', err: 'err\n' }],
  ['runlet wait done', { out: '3\n' }],
  ['runlet wait --exit-code done', { code: 3, out: '3\n' }],
  ['runlet wait --any web done', { out: '3\n' }],
  ['runlet wait nope', { code: 125, err: /PROCESS_NOT_FOUND/ }],
  ['runlet start -q --name k1 sleep 60 && runlet kill k1 && runlet wait k1', { out: 'k1\n143\n' }],
  [
    'runlet start -q --name k2 sleep 60 && runlet kill -9 k2 && runlet wait k2',
    { out: 'k2\n137\n' },
  ],
  [
    'runlet start -q --name k3 sleep 60 && runlet kill -KILL k3 && runlet wait k3',
    { out: 'k3\n137\n' },
  ],
  [
    'runlet start -q --name k4 sleep 60 && runlet kill -s INT k4 && runlet wait k4',
    { out: 'k4\n130\n' },
  ],
  [
    'runlet start -q --name k5 sleep 60 && runlet kill -s SIGHUP k5 && runlet wait k5',
    { out: 'k5\n129\n' },
  ],
  [
    'runlet start -q --name k6 sleep 60 && runlet kill --signal 15 k6 && runlet wait k6',
    { out: 'k6\n143\n' },
  ],
  [
    'runlet start -q --name k7 sleep 60 && runlet kill --signal=TERM k7 && runlet wait k7',
    { out: 'k7\n143\n' },
  ],
  [
    'runlet start -q --name k8 sleep 60 && runlet start -q --name k9 sleep 60 && runlet kill -9 k8 k9 && runlet wait k8 k9',
    { out: 'k8\nk9\n137\n137\n' },
  ],
  ['runlet start -q --name t1 sleep 60 && runlet stop t1 && runlet wait t1', { out: 't1\n143\n' }],
  [
    'runlet start -q --name t2 sleep 60 && runlet stop -t 5 t2 && runlet wait t2',
    { out: 't2\n143\n' },
  ],
  ['runlet kill nope', { code: 125, err: /PROCESS_NOT_FOUND/ }],
  ['runlet kill -WHAT web', { code: 2, err: /it is no signal/ }],
  ['runlet stop nope', { code: 125, err: /PROCESS_NOT_FOUND/ }],
  [
    'runlet start -q --name x1 sleep 60 && runlet sessions close && runlet logs x1',
    { code: 125, out: 'x1\n', err: /PROCESS_NOT_FOUND/ },
  ],
  [
    'runlet start -q --name x2 true && runlet wait x2 && runlet sessions close --idle && runlet logs x2',
    { code: 125, out: /^x2\n0\n$/, err: /PROCESS_NOT_FOUND/ },
  ],
  ['runlet sessions close nope', { code: 125, err: /SESSION_NOT_FOUND/ }],
  ['runlet sessions close --all nope', { code: 2, err: /--all or --idle/ }],
  ['runlet completion bash', { out: /complete -F _runlet runlet\n$/ }],
];

/** Runs a line in a shell, in the folder of a user. */
async function type(user: CliUser, line: string): ReturnType<typeof resultOf> {
  const script = `runlet() { "$MAIN" "$@"; }; ${line}`;
  const child = spawn('sh', ['-c', script], { cwd: user.folder, env: { ...user.env, MAIN } });
  child.stdin.end();
  return resultOf(child);
}

async function userWithProcesses(): Promise<CliUser> {
  const { address } = await serveHere();
  const user = await cliUser(address);
  await mkdir(join(user.folder, 'sub'));
  await writeFile(join(user.folder, 'sub', 'inner'), '');
  await writeFile(join(user.folder, 'vars'), 'A=1\n# a comment\nB=two words\n');
  await user.start('--id', 'web', '--label', 'app=web', '--', 'sleep', '1000');
  await user.start('--id', 'done', 'sh', '-c', 'echo out; echo err >&2; exit 3');
  await user.print('wait', 'done');
  return user;
}

/** What a line did that it must not; empty: nothing. */
async function faultOf(user: CliUser, [line, outcome]: Typed): Promise<readonly string[]> {
  const { code, signal, stderr, stdout } = await type(user, line);
  const got = { code: code ?? signal, out: stdout.toString(), err: stderr };
  const { code: wantedCode = 0, out = '', err = '' } = outcome;
  const fits = (text: string, wanted: string | RegExp): boolean =>
    typeof wanted === 'string' ? text === wanted : wanted.test(text);
  const right = got.code === wantedCode && fits(got.out, out) && fits(got.err, err);
  return right ? [] : [`${line}\n${JSON.stringify(got)}`];
}

const GROUPS: readonly (readonly [string, readonly Typed[]])[] = [
  ['flags that end where the program begins', PROGRAMS],
  ['flags that people know', FLAGS],
  ['starts', STARTS],
  ['looks', LOOKS],
  ['work with what is there', WORK],
];

describe('what people type who know docker, kubectl and ssh', () => {
  it.each(GROUPS)('does what they mean: %s', async (_name, lines) => {
    const user = await userWithProcesses();
    const faults: string[] = [];
    for (const line of lines) faults.push(...(await faultOf(user, line)));
    expect(faults).toEqual([]);
  });
});
