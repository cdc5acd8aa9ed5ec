/** A file that makes no sense, and what is said of it. */
export interface Broken {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The key that it is about, or after. */
  readonly key: string;
  readonly said: string;
  /** Whether a schema can see it, too. `unread`: YAML cannot be read, so that there is nothing to see. */
  readonly schema: 'refuses' | 'takes' | 'unread';
}

type Row = readonly [file: string, line: number, column: number, key: string, said: string];

const rows = (schema: Broken['schema'], all: readonly Row[]): readonly Broken[] =>
  all.map(([file, line, column, key, said]) => ({ file, line, column, key, said, schema }));

const SPAN = 'it is no span of time from 0 to 2147483 seconds, such as 90, 1.5s, 20m or 1h30m';
const SIZE = 'it is no number of bytes, such as 4096, 64KiB or 1GiB';
const SCALAR = 'this must be a text or a number';
const ALONE = 'this can be said on the command line alone';
const LEVELS = 'it is none of debug, info, warn, error, silent';

/** Keys that are none, or not here. */
const KEYS = rows('refuses', [
  ['max-session: 5', 1, 1, 'max-session', 'no such key (did you mean max-sessions?)'],
  ['grace: 1\nmax_sessions: 5', 2, 1, 'max_sessions', 'did you mean max-sessions?'],
  ['grace: 1\n\nmaxSessions: 5', 3, 1, 'maxSessions', 'did you mean max-sessions?'],
  ['--max-sessions: 5', 1, 1, '--max-sessions', 'did you mean max-sessions?'],
  ['Listen: unix:/a', 1, 1, 'Listen', 'did you mean listen?'],
  ['http-proxy: false', 1, 1, 'http-proxy', 'did you mean no-http-proxy?'],
  ['whatever: 1', 1, 1, 'whatever', 'keys are the names of flags, without dashes in front'],
  ['"": 1', 1, 1, '', 'there is no such key'],
  ['{"grace": 1,\n "tls_cert": "/a"}', 2, 2, 'tls_cert', 'did you mean tls-cert?'],
  ['daemon: true', 1, 1, 'daemon', ALONE],
  ['status: true', 1, 1, 'status', ALONE],
  ['json: true', 1, 1, 'json', ALONE],
  ['check: true', 1, 1, 'check', ALONE],
  ['help: true', 1, 1, 'help', ALONE],
  ['help-all: true', 1, 1, 'help-all', ALONE],
  ['# x\nconfig: /etc/other.yaml', 2, 1, 'config', 'a file cannot name another one'],
]);

/** Values of another kind than the key has. */
const TYPES = rows('refuses', [
  ['policy:', 1, 8, 'policy', SCALAR],
  ['policy: ~', 1, 9, 'policy', SCALAR],
  ['policy: true', 1, 9, 'policy', SCALAR],
  ['policy: [a]', 1, 9, 'policy', 'this must be one value, and no list'],
  ['high-water:\n  sessions: 5', 2, 3, 'high-water', SCALAR],
  ['listen:\n  - unix:/a\n  -', 3, 4, 'listen', SCALAR],
  ['listen:\n  - unix:/a\n  - {auth: token}', 3, 5, 'listen', SCALAR],
  ['listen: [[unix:/a]]', 1, 10, 'listen', SCALAR],
  ['egress-allow: []', 1, 15, 'egress-allow', 'this must have a value'],
  ['require-sandbox: yes', 1, 18, 'require-sandbox', 'this must be true or false'],
  ['require-sandbox: "true"', 1, 18, 'require-sandbox', 'this must be true or false'],
  ['no-http-proxy: 1', 1, 16, 'no-http-proxy', 'this must be true or false'],
  ['allow-insecure:', 1, 16, 'allow-insecure', 'this must be true or false'],
  ['cwd: 5', 1, 6, 'cwd', '5: it is not an absolute path'],
]);

/** Values that make no sense, or are out of range. */
const VALUES = rows('refuses', [
  ['max-sessions: 5x', 1, 15, 'max-sessions', '5x: it is not a whole number'],
  ['max-sessions: 0', 1, 15, 'max-sessions', '0: it must be more than 0'],
  ['max-sessions: -1', 1, 15, 'max-sessions', '-1: it is not a whole number'],
  ['max-sessions: 1.5', 1, 15, 'max-sessions', '1.5: it is not a whole number'],
  ['grace: soon', 1, 8, 'grace', `soon: ${SPAN}`],
  ['grace: 1m1h1', 1, 8, 'grace', SPAN],
  ['grace: 2147484', 1, 8, 'grace', SPAN],
  ['heartbeat: 0', 1, 12, 'heartbeat', '0: it must be more than 0'],
  ['output-memory: 1XiB', 1, 16, 'output-memory', `1XiB: ${SIZE}`],
  ['output-disk: -1', 1, 14, 'output-disk', SIZE],
  ['retained-bytes: 1.5', 1, 17, 'retained-bytes', SIZE],
  ['log-level: loud', 1, 12, 'log-level', `loud: ${LEVELS}`],
  ['log-level: off', 1, 12, 'log-level', `off: ${LEVELS}`],
  ['drain: 5', 1, 8, 'drain', '5: it is none of terminate, wait'],
  ['auth: [token, jtw]', 1, 15, 'auth', 'jtw: it takes none, token, jwt, mtls, peer'],
  ['auth: token,jtw', 1, 7, 'auth', 'jtw: it takes none, token, jwt, mtls, peer'],
  ['socket-mode: "0066"', 1, 14, 'socket-mode', 'it is no mode that lets its user in'],
  ['state-dir: state', 1, 12, 'state-dir', 'state: it is not an absolute path'],
  ['file-root:\n- /a\n- b\n', 3, 3, 'file-root', 'b: it is not an absolute path'],
  ['token-file: ""', 1, 13, 'token-file', "'': it must not be empty"],
  ['allow-uid: [0, root]', 1, 16, 'allow-uid', 'root: it is not a whole number'],
]);

/** The same, of which a schema cannot know. */
const DEEPER = rows('takes', [
  ['listen:\n  - unix:/a\n  - nonsense', 3, 5, 'listen', 'nonsense: expected unix:PATH or HOST'],
  ['max-sessions: 0x10', 1, 15, 'max-sessions', '0x10: it is not a whole number'],
  ['grace: 1e3', 1, 8, 'grace', `1e3: ${SPAN}`],
  ['high-water: sessions=0', 1, 13, 'high-water', 'it must be more than 0'],
  ['egress-allow: [a.example,\n b..c]', 2, 2, 'egress-allow', 'it is no name, no address'],
  ['jwt-algorithm: HS256', 1, 16, 'jwt-algorithm', 'HS256'],
  ['metrics: 9090', 1, 10, 'metrics', '9090: it is not HOST:PORT'],
  ['policy: "a\\0b"', 1, 9, 'policy', 'a text must not contain NUL'],
  ['policy: "\\ud800"', 1, 9, 'policy', 'this must be UTF-8'],
]);

/** What is no YAML, or more of it than is taken. */
const SYNTAX = rows('unread', [
  ['grace: 1\ngrace: 2', 2, 1, 'grace', '"grace" is here twice'],
  ['grace: 1\nlisten: [', 2, 10, 'listen', 'Flow sequence in block collection'],
  ['grace: 1\nlog-level: "info', 2, 17, 'log-level', 'Missing closing "quote'],
  ['grace: 1\n  log-level: info', 1, 8, 'grace', 'Nested mappings are not allowed'],
  ['grace: 1\n\tlog-level: info', 2, 1, 'grace', 'Tabs are not allowed as indentation'],
  ['grace: 1\nlog-level info', 2, 1, 'log-level info', 'Implicit map keys need to be'],
  ['grace: @1', 1, 8, 'grace', 'Plain value cannot start with reserved character @'],
  ['grace: `1`', 1, 8, 'grace', 'Plain value cannot start with reserved character'],
  ['grace: !x 1', 1, 8, 'grace', 'Unresolved tag: !x'],
  ['grace: &a 1\nheartbeat: *a', 2, 12, 'heartbeat', 'aliases are not taken here'],
  ['grace: *a', 1, 8, 'grace', 'aliases are not taken here'],
  ['grace: 1\n---\nheartbeat: 1', 2, 1, 'grace', 'there must be no second document'],
  ['{"grace": 1 "heartbeat": 2}', 1, 11, 'grace', 'Block collections are not allowed within flow'],
  ['{"grace": 1', 1, 12, 'grace', 'Flow map must end with a }'],
  ['grace: 1\n? [heartbeat]\n: 2', 2, 3, 'grace', 'the name of a key must be a text'],
  ['grace: 1\n5: 2', 2, 1, 'grace', 'the name of a key must be a text'],
]);

/** All of them. */
export const BROKEN: readonly Broken[] = [...KEYS, ...TYPES, ...VALUES, ...DEEPER, ...SYNTAX];
