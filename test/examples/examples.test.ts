import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { runProgram } from '../support/cli.ts';
import { serveHere } from '../support/harness.ts';

const FOLDER = fileURLToPath(new URL('../../examples', import.meta.url));

/** What an example does. */
interface Expected {
  readonly stdin?: string;
  readonly code?: number;
  readonly stdout: RegExp;
}

const EXAMPLES: Readonly<Record<string, Expected>> = {
  'come-back.mjs': { stdout: /^left job\nready\nstill here\n$/ },
  'interactive-shell.mjs': {
    stdin: 'echo "on $(tty)"; stty size; exit 5\n',
    code: 5,
    // The terminal echoes what is typed, perhaps before the shell prompts.
    stdout: /^(?=.*runlet\$ ).*on \/dev\/pts\/\d+\r\n24 80\r\n/s,
  },
  'many-commands.mjs': { stdout: /^200 commands, 0 failed, the sum is 2646700\n$/ },
  'mcp.mjs': { stdout: /^secure-filesystem-server has \d+ tools\nremember the milk\n$/ },
  'reconnect.mjs': {
    stdout:
      /^(?:line [12]?50: the connection breaks\n){3}300 lines, each .* in order; exit code 0\n$/,
  },
  'run-command.mjs': {
    stdout: /^stdout: HELLO\nstderr: in \/\nended: exited with the code 3\n$/,
  },
};

describe('the examples', () => {
  it('are all tested', () => {
    const programs = readdirSync(FOLDER).filter((name) => name.endsWith('.mjs'));
    expect(programs).toEqual(Object.keys(EXAMPLES));
  });

  describe.each(Object.entries(EXAMPLES))('%s', (name, { code = 0, stdin, stdout }) => {
    const run = (...args: readonly string[]) => runProgram(`${FOLDER}/${name}`, args, stdin);

    it('does what it says with a server of its own', async () => {
      const result = await run();
      expect(result.stdout.toString()).toMatch(stdout);
      expect(result.code).toBe(code);
    });

    it('does so with a server that is there', async () => {
      const { address } = await serveHere();
      const result = await run(formatAddress(address));
      expect(result.stdout.toString()).toMatch(stdout);
      expect(result.code).toBe(code);
    });
  });
});
