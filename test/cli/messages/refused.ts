/** A command line, its exit code, and what is said after `runlet: `, a line each. */
export type Refused = readonly [line: string, code: number, ...said: readonly string[]];

const UNKNOWN_CALL =
  'it does not know this call; is it a server of runlet, of this version? It says:';
const NOT_THERE = '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52';

/*
 * Command lines that make sense, of which nothing can come. `$NAME` stands for what is set up by
 * messages.test.ts.
 */

/** Where no server of runlet is. */
export const NO_SERVER: readonly Refused[] = [
  [
    'info --address unix:$FOLDER/none',
    125,
    'no server answers at unix:$FOLDER/none: there is no such socket; start one with `runlet serve --listen unix:$FOLDER/none` (UNAVAILABLE)',
  ],
  [
    'info --address unix:$FOLDER/runlet/runlet.sock',
    125,
    'no server answers at unix:$FOLDER/runlet/runlet.sock: there is no such socket; start one with `runlet serve` (UNAVAILABLE)',
  ],
  [
    'run --address unix:$FOLDER/none true',
    125,
    'no server answers at unix:$FOLDER/none: there is no such socket; start one with `runlet serve --listen unix:$FOLDER/none` (UNAVAILABLE)',
  ],
  [
    'ps --address unix:$FOLDER/file',
    125,
    'no server answers at unix:$FOLDER/file: it is no socket (UNAVAILABLE)',
  ],
  [
    'logs --address unix:$FOLDER/file/x',
    125,
    'no server answers at unix:$FOLDER/file/x: a part of its path is no folder (UNAVAILABLE)',
  ],
  [
    'start --address 127.0.0.1:1 true',
    125,
    'no server answers at 127.0.0.1:1: the connection is refused: nobody listens there; start one with `runlet serve --listen 127.0.0.1:1 --auth none` (UNAVAILABLE)',
  ],
  [
    'sessions --address no-such-host.invalid:1',
    125,
    'no server answers at no-such-host.invalid:1: the name of host no-such-host.invalid is unknown (UNAVAILABLE)',
  ],
  [
    'info --address 127.0.0.1:$HTTP1',
    125,
    'no server answers at 127.0.0.1:$HTTP1: a server of HTTP/1 is there, and none of gRPC (UNAVAILABLE)',
  ],
  [
    'conformance --address 127.0.0.1:$HTTP1 --only STDIN-04',
    125,
    'no server answers at 127.0.0.1:$HTTP1: a server of HTTP/1 is there, and none of gRPC (UNAVAILABLE)',
  ],
  [
    'info --address 127.0.0.1:$TLS',
    125,
    'no server answers at 127.0.0.1:$TLS: a server of TLS is there, and none without it: use --tls (UNAVAILABLE)',
  ],
  [
    'info --address 127.0.0.1:$CLOSING',
    125,
    'no server answers at 127.0.0.1:$CLOSING: somebody listens there, but says nothing that a gRPC server would (UNAVAILABLE)',
  ],
  [
    'info --address 127.0.0.1:$MAIL',
    125,
    'no server answers at 127.0.0.1:$MAIL: what is there is no gRPC server (UNAVAILABLE)',
  ],
  [
    'serve --metrics 127.0.0.1:$HTTP1',
    125,
    '--metrics 127.0.0.1:$HTTP1: address already in use (EADDRINUSE)',
  ],
  [
    'info --address 127.0.0.1:$HTTP2',
    125,
    `server 127.0.0.1:$HTTP2: ${UNKNOWN_CALL} Received HTTP status code 404 (UNIMPLEMENTED)`,
  ],
  [
    'start --address 127.0.0.1:$GRPC true',
    125,
    `server 127.0.0.1:$GRPC: ${UNKNOWN_CALL} The server does not implement the method /runlet.v1.ServerService/GetServerInfo (UNIMPLEMENTED)`,
  ],
];

/** What is named and not there, or several times, or over. */
export const NOT_FOUND: readonly Refused[] = [
  ['attach', 2, 'this user started nothing at unix:$SOCKET; see `runlet ps --all`'],
  ['logs nope', 125, 'no session has a process nope (PROCESS_NOT_FOUND)'],
  ['exec nope true', 125, 'no session has a process nope (PROCESS_NOT_FOUND)'],
  ['wait nope', 125, 'no session has a process nope (PROCESS_NOT_FOUND)'],
  [
    'inspect nope never',
    125,
    'no session has a process nope (PROCESS_NOT_FOUND)',
    'no session has a process never (PROCESS_NOT_FOUND)',
  ],
  [
    'logs twin',
    2,
    'several sessions have a process twin; name one of them with --session: $ONE, $TWO',
  ],
  ['kill t', 2, 'several sessions have a process t; name one of them with --session: $ONE, $TWO'],
  ['logs w', 2, 'several ids begin with w: web, work; name one process in full'],
  ['attach --session $ONE w', 2, 'several ids begin with w: web, work; name one process in full'],
  ['logs --session z web', 125, 'no session begins with z (SESSION_NOT_FOUND)'],
  ['ps --session z', 125, 'no session begins with z (SESSION_NOT_FOUND)'],
  ['sessions close z', 125, 'no session begins with z (SESSION_NOT_FOUND)'],
  ['logs --session $TWO nope', 125, 'session $TWO has no process nope (PROCESS_NOT_FOUND)'],
  ['logs --session $EMPTY', 125, 'session $EMPTY has no processes (PROCESS_NOT_FOUND)'],
  [
    `start --session ${NOT_THERE} true`,
    125,
    `session ${NOT_THERE}: the server does not know the session (any more) (expired)`,
  ],
  [
    'kill -9 done nope',
    125,
    'process done: the process exited and nothing is left to signal (PROCESS_EXITED)',
    'no session has a process nope (PROCESS_NOT_FOUND)',
  ],
];

/** What cannot be done so, of which the server or the system says why. */
export const NOT_POSSIBLE: readonly Refused[] = [
  [
    'top --once --all',
    125,
    'it is not granted: the caller lacks the grant admin, and `runlet info` tells what it has (GRANT_MISSING)',
  ],
  ['top --interval 0.1', 125, '--interval: must be at least 0.25 s (INVALID_REQUEST)'],
  ['top --json --interval 2h', 125, '--interval: must be at most 60 s (INVALID_REQUEST)'],
  [
    'forward $FOLDER/file:host:80',
    125,
    'cannot listen at $FOLDER/file: address already in use (EADDRINUSE)',
  ],
  [
    'forward $FOLDER/none/socket:host:80',
    125,
    'cannot listen at $FOLDER/none/socket: no such file or directory (ENOENT)',
  ],
  [
    'forward $FOLDER/file/socket:host:80',
    125,
    'cannot listen at $FOLDER/file/socket: not a directory (ENOTDIR)',
  ],
  [
    'fetch --credential nope host',
    125,
    '--credential: the server has no credential with this name (INVALID_REQUEST)',
  ],
  [
    'fetch -d @$FOLDER/none host',
    1,
    "cannot read '$FOLDER/none': no such file or directory (ENOENT)",
  ],
  [
    'fetch http://me:secret@host/',
    2,
    'the URL has a user or a password; send them as a header, with -H',
  ],
  ['start no-such-program', 127, 'no-such-program: no such program: ENOENT (START_FAILED)'],
  ['start ./none', 127, './none: no such program: ENOENT (START_FAILED)'],
  [
    'start $FOLDER/script',
    126,
    '$FOLDER/script: it is a folder, or nobody may execute it: EACCES (START_FAILED)',
  ],
  [
    'start $FOLDER',
    126,
    '$FOLDER: it is a folder, or nobody may execute it: EACCES (START_FAILED)',
  ],
  [
    'start $FOLDER/unknown',
    126,
    '$FOLDER/unknown: it is neither a program of this system nor a script with #!: ENOEXEC (START_FAILED)',
  ],
  [
    'start $FOLDER/orphan',
    127,
    '$FOLDER/orphan: what its first line names after #! is not there: ENOENT (START_FAILED)',
  ],
  [
    'start $FOLDER/file/x',
    126,
    '$FOLDER/file/x: a part of its path is no folder: ENOTDIR (START_FAILED)',
  ],
  [
    'start --cwd $FOLDER/none true',
    125,
    'working directory $FOLDER/none: no such folder: ENOENT (START_FAILED)',
  ],
  [
    'start --cwd $FOLDER/file true',
    125,
    'working directory $FOLDER/file: it is no folder: ENOTDIR (START_FAILED)',
  ],
  [
    'start --env-file $FOLDER/none true',
    2,
    '--env-file $FOLDER/none: no such file or directory (ENOENT); see `runlet start --help`',
  ],
  [
    'start --env-file $FOLDER true',
    2,
    '--env-file $FOLDER: illegal operation on a directory (EISDIR); see `runlet start --help`',
  ],
  [
    'start --env-file $FOLDER/vars true',
    2,
    '--env-file $FOLDER/vars, line 2: it names no variable; see `runlet start --help`',
  ],
  [
    'start --id web --session $ONE true',
    125,
    '--id: the session has a process with this id (PROCESS_EXISTS)',
  ],
  [
    'start --id $LONG true',
    125,
    `--id must be a string of 1 to 128 bytes, not '${'x'.repeat(60)}'`,
  ],
  ['start --retention 9d true', 125, '--retention: must be at most 86400 s (INVALID_REQUEST)'],
  [
    'start --retained-bytes 9TiB true',
    125,
    '--retained-bytes: must be at most 1073741824 (INVALID_REQUEST)',
  ],
  [
    'start --label a=$LONGER true',
    125,
    '--label: a value must have at most 1024 bytes (INVALID_REQUEST)',
  ],
  [
    'logs --since-seq 99999 done',
    125,
    '--since-seq: the process has no such event yet (SEQ_BEYOND_END)',
  ],
  ['kill --grace 2h web', 125, 'process web: --grace: must be at most 3600 s (INVALID_REQUEST)'],
  [
    'token inspect --token-file $FOLDER/file',
    2,
    'there is no token in $FOLDER/file; see `runlet token inspect --help`',
  ],
  [
    'token inspect --token-file $FOLDER/none',
    125,
    '$FOLDER/none: no such file or directory (ENOENT)',
  ],
  [
    'token inspect --token-file $FOLDER/vars',
    125,
    'the token is wrong: it does not begin with rlt1.',
  ],
  [
    'token inspect --token-file $FOLDER/token --key-file $FOLDER/vars',
    125,
    '$FOLDER/vars: line 1: the name is not 1 to 64 letters, digits and characters of ._@-',
  ],
  [
    'token narrow --token-file $FOLDER/token --grant signal',
    2,
    '--grant: the token does not grant signal; see `runlet token narrow --help`',
  ],
  ['token new ci --out $FOLDER/vars', 125, '$FOLDER/vars: file already exists (EEXIST)'],
  [
    'token new ci --append $FOLDER/vars',
    125,
    '$FOLDER/vars: line 1: the name is not 1 to 64 letters, digits and characters of ._@-',
  ],
  ['token new ci --append $FOLDER/tokens', 125, '$FOLDER/tokens: it has a token that is called ci'],
  [
    'serve --listen 127.0.0.1:0 --auth token --token-file $FOLDER/vars',
    125,
    'token file $FOLDER/vars: line 1: the name is not 1 to 64 letters, digits and characters of ._@-',
  ],
  [
    'serve --audit /dev/full',
    125,
    'the audit is written to a regular file, and /dev/full is a device',
  ],
  [
    'serve --audit $FOLDER',
    125,
    'the audit is written to a regular file, and $FOLDER is a directory',
  ],
  ['serve --check --state-dir $FOLDER/file', 125, '$FOLDER/file is not a folder'],
  ['serve --check --policy /dev/null', 2, '--policy /dev/null: it is no file'],
  ['serve --audit $FOLDER/none/x', 125, '$FOLDER/none/x: no such file or directory (ENOENT)'],
  [
    'start true',
    125,
    "the server's limit of 4 is reached: `runlet serve --max-sessions` sets another (LIMIT_EXCEEDED)",
  ],
  ['attach late', 124, 'the process ran out of time and was ended (timed-out)'],
];

/** What takes a process: lines for a shell that is in the folder. */
export const ALONE: readonly Refused[] = [
  ['runlet info >/dev/full', 125, 'standard output: no space left on device (ENOSPC)'],
  ['runlet run echo x >/dev/full', 125, 'standard output: no space left on device (ENOSPC)'],
  [
    'runlet run --address unix:$SOCKET cat < sub',
    125,
    'standard input: it is a directory (EISDIR)',
  ],
  [
    'mkdir gone; cd gone; rmdir ../gone; runlet start true',
    125,
    'the working directory: no such file or directory (ENOENT)',
  ],
  [
    'runlet run --timeout 0.1 sleep 60',
    124,
    'the process ran out of time and was ended (timed-out)',
  ],
  [
    'runlet serve --listen unix:file/x --log-level silent',
    125,
    'file/x.lock: not a directory (ENOTDIR)',
  ],
  [
    'runlet serve --listen unix:$SOCKET --log-level silent',
    125,
    'another server listens on $SOCKET',
  ],
  [
    'runlet serve --listen unix:sub --log-level silent',
    125,
    '--listen unix:sub: address already in use (EADDRINUSE)',
  ],
];
