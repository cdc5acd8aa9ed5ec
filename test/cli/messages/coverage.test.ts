import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OF_FILES } from './of-files.ts';
import { ALONE, NO_SERVER, NOT_FOUND, NOT_POSSIBLE } from './refused.ts';
import { REFUSED_CALLERS, WRONG_CALLERS } from './who-calls.ts';
import { WRONG_WORDS } from './wrong-words.ts';

const SOURCES = new URL('../../../src/cli/', import.meta.url);
const TESTS = new URL('../../', import.meta.url);

/** How a message begins in the code: a text in an error, or said to a person. */
const MESSAGE =
  /(?:new (?:UsageError|InvalidArgumentError|UnreachableError|LocalFileError|Error)|\b(?:say|notice))\(\s*(['`])(.*?)\1(?:,|\))/gs;

/**
 * Messages of faults of this program or of a server, which no input brings about; of a network
 * that drops what is sent; and of a machine on which /tmp does not serve.
 */
const FAULTS = [
  '*: longer than * bytes',
  'the body is not wanted',
  'there are more of them, which the server does not tell',
  'nothing comes any more',
  'nothing comes back',
  'a command without its program',
  'a fault of this program: *',
  'it was ended because of an error that nobody caught',
  'the process has fewer events than it had',
  'the process was closed without an exit',
  'the server has no standard output',
  'the server told nothing of what it does',
];

/** Messages that a test has for which more is needed than a command line. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'a session is not UTF-8: *': 'acceptance/cli-cp.test.ts',
  'cannot look at *: * (*)': 'acceptance/cli-files.test.ts',
  'some changes were missed: what is in the folder may be other than what was told':
    'acceptance/cli-files.test.ts',
  'all users can read it (chmod o-r)': 'telemetry/operator-listener.test.ts',
  'it has no token of * characters or more': 'telemetry/operator-listener.test.ts',
  'watching *': 'acceptance/cli-files.test.ts',
  '* is not UTF-8: *': 'acceptance/cli-folders.test.ts',
  'it is neither true nor false': 'cli/serve-config.test.ts',
  'it is not UTF-8': 'cli/serve-config.test.ts',
  'warning: *': 'acceptance/serve-config.test.ts',
  'RUNLET_ADDRESS *: *': 'cli/messages/messages.test.ts',
  'RUNLET_TLS *: it is neither 1 nor 0': 'cli/messages/who-calls.test.ts',
  '*: it is no socket of TCP': 'acceptance/systemd-refusals.test.ts',
  '*: there are several of that name': 'acceptance/systemd-refusals.test.ts',
  'systemd has passed the socket *, *, which no --listen names':
    'acceptance/systemd-refusals.test.ts',
  'a server is up already at **, version *': 'acceptance/cli-daemon.test.ts',
  'cannot write *: *': 'cli/fetch.test.ts',
  '*; trying for * s': 'cli/forward-port-taken.test.ts',
  'connected again': 'interop/attach.test.ts',
  'left; come back with: runlet attach* --session * *': 'acceptance/cli-attach.test.ts',
  'the connection broke; trying to come back for * s': 'interop/attach.test.ts',
  'the process cannot be remembered as the last one: *': 'acceptance/cli-state.test.ts',
};

/** Every message in the code, with `*` for what is filled in. */
function messages(): readonly string[] {
  const files = readdirSync(SOURCES).filter((name) => name.endsWith('.ts'));
  return files.flatMap((name) => {
    const source = readFileSync(new URL(name, SOURCES), 'utf8');
    return [...source.matchAll(MESSAGE)].map(([, , text = '']) =>
      text.replace(/\$\{(?:[^{}]|\{[^}]*\})*\}/g, '*').replaceAll('\\`', '`'),
    );
  });
}

/** All that rows of the table have said. */
function saidInTable(): readonly string[] {
  const refused = [
    ALONE,
    NO_SERVER,
    NOT_FOUND,
    NOT_POSSIBLE,
    OF_FILES,
    REFUSED_CALLERS,
    WRONG_CALLERS,
  ].flat();
  return [
    ...Object.values(WRONG_WORDS).flatMap((rows) => rows.map(([, said]) => said)),
    ...refused.flatMap(([, , ...said]) => said),
  ];
}

function patternOf(message: string): RegExp {
  const parts = message.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(parts.join('.*'), 's');
}

describe('the table of messages', () => {
  it('has every message of the command line', () => {
    const said = saidInTable();
    const missing = messages().filter(
      (message) =>
        !FAULTS.includes(message) &&
        !Object.hasOwn(ELSEWHERE, message) &&
        !said.some((text) => patternOf(message).test(text)),
    );
    expect(missing).toEqual([]);
  });

  it('names what is elsewhere, where it is', () => {
    const all = messages();
    for (const message of [...FAULTS, ...Object.keys(ELSEWHERE)]) expect(all).toContain(message);
    for (const [message, file] of Object.entries(ELSEWHERE)) {
      const longest = message.split('*').reduce((a, b) => (a.length >= b.length ? a : b));
      expect(readFileSync(new URL(file, TESTS), 'utf8')).toContain(longest.trim());
    }
  });
});
