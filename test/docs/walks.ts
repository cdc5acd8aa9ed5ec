/** What a block of a walk does. */
export interface Stop {
  readonly name: string;
  /** What it prints to standard output. */
  readonly prints: RegExp;
  /** What is typed to its commands, where it is anything. */
  readonly typed?: string;
  /** What it exits with, where that is not 0. */
  readonly code?: number;
  /** Whether it goes on while the others are run. */
  readonly serves?: true;
}

const SERVE: Stop = { name: 'serve', prints: /^runlet listening on unix:/, serves: true };
const TCP: Stop = { name: 'tcp', prints: /^runlet listening on 127\.0\.0\.1:\d+\n$/, serves: true };

const IDS = /^session {2}[0-9a-f-]{36}\nprocess {2}count\n/;
// On a busy machine it may have ended before it is listed.
const COUNTED = /PROCESS .*\n(?:count +[0-9a-f]{8} +\d+ +running +.*\n)?1\n2\n3\n$/;

/** The blocks after a comment `<!-- walk: NAME -->`, by their pages, in order. */
export const WALKS: Readonly<Record<string, readonly Stop[]>> = {
  'README.md': [
    { name: 'first', prints: /^hello\n$/ },
    SERVE,
    { name: 'shell', prints: new RegExp(IDS.source + COUNTED.source) },
    TCP,
  ],
  'docs/run.md': [
    { name: 'code', prints: /^out\n$/, code: 3 },
    { name: 'pipe', prints: /^a\nb\n$/ },
    SERVE,
    { name: 'start', prints: new RegExp(`${IDS.source}$`) },
    { name: 'follow', prints: new RegExp(`^${COUNTED.source}`) },
    {
      name: 'shell',
      typed: 'exit\n',
      prints: /^session {2}[0-9a-f-]{36}\nprocess {2}shell\n.*exit\r\n$/s,
    },
    {
      name: 'end',
      prints:
        /^1\n2\n3\nsession .*\nprocess .*\nPROCESS .*\ncount .* exit 0 .*\nshell .* exit 0 .*\n.* SIGTERM, terminated .*\n$/,
    },
  ],
  'docs/files.md': [SERVE, { name: 'copy', prints: /^link\none\none\nlink\none\nwhen\n$/ }],
  'docs/network.md': [
    SERVE,
    {
      name: 'fetch',
      prints:
        /^session .*\nprocess {2}web\nweb +\d+ +127\.0\.0\.1 +\d+ +the server\n.* 200\b[\s\S]*\nhello\n$/,
    },
    {
      name: 'forward',
      prints: /^forward 127\.0\.0\.1:\d+ -> db\.internal:5432\n/,
      serves: true,
    },
  ],
  'docs/operating.md': [
    {
      name: 'check',
      prints:
        /^log-level +error +RUNLET_SERVE_LOG_LEVEL\nretention +30s +default\n.*^max-sessions +100 +\S+:2\n.*^grace +1m +flag\n.*^nothing wrong was found\n$/ms,
    },
  ],
  'docs/sandbox.md': [
    { name: 'own', prints: /^made\nto be read alone\nnot there\nhidden\n$/ },
    SERVE,
    { name: 'profile', prints: /^\/tmp\nnot there\n\/etc\n$/ },
  ],
  'docs/serving.md': [TCP],
  'docs/doctor.md': [{ name: 'doctor', prints: /^ok +node-version +Node\.js / }],
  'docs/tokens.md': [
    { name: 'new', prints: /^$/ },
    SERVE,
    { name: 'client', prints: /^address .*^caller +token:ci/ms },
    { name: 'narrow', prints: /^public key .*^let in +as token:ci: observe, until /ms },
  ],
};
