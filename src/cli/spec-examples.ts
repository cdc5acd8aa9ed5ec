import type { Example } from './examples.ts';

/**
 * Examples for the flags that say what to run, and how, of a command that has them: of `words`,
 * with `where` before the program. `prints`: what it prints rather than the program.
 */
export function specExamples(words: string, where = '', prints?: RegExp): readonly Example[] {
  return [
    {
      command: `runlet ${words} --user "$(id -un)"${where} -- sh -c 'echo $LOGNAME'`,
      does: 'Choose whom it runs as, where root runs the server',
      prints: prints ?? /^\S+\n$/,
    },
    {
      command: `runlet ${words} --cwd "$FOLDER" --allow-write . --deny private${where} -- sh -c 'echo hello >made; cat made; cat private'`,
      does: 'Let it change one folder alone, but for what is private there',
      code: prints === undefined ? 1 : 0,
      prints: prints ?? /^hello\ncat: private: .*\n$/,
    },
    {
      command: `runlet ${words} --allow-read @root --network host${where} -- cat /etc/passwd`,
      does: 'Let it read all, reach the network, and change nothing',
      prints: prints ?? /^root:/,
    },
    {
      command: `runlet ${words} --address "$SERVER" --sandbox agent${where} -- echo hello`,
      does: 'Let it do what the server has a profile for',
      prints: prints ?? /^hello\n$/,
    },
    {
      command: `runlet ${words} --cwd /tmp --env LEVEL=2 --label kind=test --timeout 1m --merge-stderr${where} -- sh -c 'pwd; echo $LEVEL >&2'`,
      does: 'Choose where it runs, what it is told, how it is found, and for how long it may run',
      prints: prints ?? /^\/tmp\n2\n$/,
    },
    {
      command: `echo LEVEL=2 | runlet ${words} --env-file /dev/stdin --env-policy all --ignore-default-excludes --env-exclude '*_PROXY' --env-include-only PATH${where} -- sh -c 'echo $LEVEL'`,
      does: 'Choose which variables it has of the server, and read others from a file',
      prints: prints ?? /^2\n$/,
    },
    {
      command: `runlet ${words} --limit open-files=64 --limit cpu-time=10s --drain-timeout 1s${where} -- sh -c 'ulimit -n'`,
      does: 'Limit what it may use, and how long what it left behind is read',
      prints: prints ?? /^64\n$/,
    },
  ];
}
