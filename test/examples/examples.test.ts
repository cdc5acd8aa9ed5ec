import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
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
  'come-back.ts': { stdout: /^left job\nready\nstill here\n$/ },
  'interactive-shell.ts': {
    stdin: 'echo "on $(tty)"; stty size; exit 5\n',
    code: 5,
    // The terminal echoes what is typed, perhaps before the shell prompts.
    stdout: /^(?=.*runlet\$ ).*on \/dev\/pts\/\d+\r\n24 80\r\n/s,
  },
  'many-commands.ts': { stdout: /^200 commands, 0 failed, the sum is 2646700\n$/ },
  'mcp.ts': { stdout: /^secure-filesystem-server has \d+ tools\nremember the milk\n$/ },
  'reconnect.ts': {
    stdout:
      /^(?:line [12]?50: the connection breaks\n){3}300 lines, each .* in order; exit code 0\n$/,
  },
  'run-command.ts': {
    stdout: /^stdout: HELLO\nstderr: in \/\nended: exited with the code 3\n$/,
  },
};

describe('the examples', () => {
  // As the documentation has those do it whose Node.js does not run TypeScript.
  beforeAll(() => promisify(execFile)('npx', ['tsc', '-p', FOLDER]));

  it('are all tested', () => {
    const programs = readdirSync(FOLDER).filter((name) => name.endsWith('.ts'));
    expect(programs).toEqual(Object.keys(EXAMPLES));
  });

  describe.each(Object.entries(EXAMPLES))('%s', (name, { code = 0, stdin, stdout }) => {
    const run = (...args: readonly string[]) =>
      runProgram(`${FOLDER}/build/${name.replace('.ts', '.js')}`, args, stdin);

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
