import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { runProgram } from '../support/cli.ts';
import { connectTo } from '../support/client.ts';
import { startHarness } from '../support/harness.ts';
import { isSince } from '../support/node-version.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/await-using.mjs', import.meta.url));

describe('a client and a session that are held with `await using`', () => {
  it('are closed at the end of the scope, where Node.js has that syntax', async () => {
    const { address, sessionId } = await startHarness();
    const { code, stderr, stdout } = await runProgram(PROGRAM, [formatAddress(address)]);
    if (isSince(24, 0)) {
      // That it ends shows that the client holds nothing any more.
      expect({ code, stderr, stdout: stdout.toString() }).toEqual({
        code: 0,
        stderr: '',
        stdout: '1\n',
      });
    } else {
      expect({ code, stdout: stdout.toString() }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('SyntaxError');
    }
    expect((await connectTo(address).sessions()).map(({ id }) => id)).toEqual([sessionId]);
  });
});
