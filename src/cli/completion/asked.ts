/** What a server is asked for, to complete a word. */
export const ASKED = [
  'processes',
  'running',
  'sessions',
  'places',
  'labels',
  'filters',
  'profiles',
] as const;

/** What a server is asked for, to complete a word. */
export type Asked = (typeof ASKED)[number];

/** What the values of options are, by their names. */
export const ASKED_FOR_OPTIONS: Readonly<Record<string, Asked>> = {
  '--process': 'running',
  '--session': 'sessions',
  '--label': 'labels',
  '--filter': 'filters',
  '--sandbox': 'profiles',
};

/** What the arguments of commands are, by their names. */
export const ASKED_FOR_ARGUMENTS: Readonly<Record<string, Asked>> = {
  process: 'processes',
  session: 'sessions',
  where: 'places',
};

/** Commands that are about processes which run. */
export const ABOUT_RUNNING: ReadonlySet<string> = new Set(['attach', 'kill', 'stop', 'wait']);

/** Options that say which server is asked, and how: with values, and without. */
export const SERVER_OPTIONS = [
  '--address',
  '--token-file',
  '--ca',
  '--cert',
  '--key',
  '--server-name',
] as const;
export const SERVER_SWITCHES = ['--tls'] as const;
