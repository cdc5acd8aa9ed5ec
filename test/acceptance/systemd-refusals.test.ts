import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/harness.ts';
import { hasTool } from '../support/needed-tools.ts';
import { type MadeSocket, type Passing, passSockets } from '../support/passed-sockets.ts';

async function socketPath(): Promise<string> {
  return join(await temporaryFolder(), 'socket');
}

describe.skipIf(!hasTool('python3', '--version'))(
  'sockets that systemd passes and cannot be used',
  () => {
    /** What is passed, the flags, and what is said to it. `*`: what differs. */
    const refused: readonly [string, readonly MadeSocket[], readonly string[], string, Passing?][] =
      [
        [
          'that were passed to another process',
          [{ kind: 'tcp' }],
          ['--listen', 'systemd'],
          '--listen systemd: systemd has passed sockets to process *, LISTEN_PID, and this is *',
          { forks: true },
        ],
        [
          'that are not there',
          [],
          ['--listen', 'systemd:x'],
          '--listen systemd:x: systemd has passed no socket: LISTEN_FDS is 0',
        ],
        [
          'with other names',
          [{ kind: 'tcp' }, { kind: 'tcp' }],
          ['--listen', 'systemd:c'],
          '--listen systemd:c: it is none of a, b',
          { names: 'a:b' },
        ],
        [
          'that are named twice',
          [{ kind: 'tcp' }],
          ['--listen', 'systemd:a', '--listen', 'systemd:a', '--auth', 'none'],
          '--listen systemd:a: it is none of those that are left',
          { names: 'a' },
        ],
        [
          'that nothing names',
          [{ kind: 'tcp' }, { kind: 'tcp' }],
          ['--listen', 'systemd:a', '--auth', 'none'],
          'systemd has passed the socket b, 127.0.0.1:*, which no --listen names',
          { names: 'a:b' },
        ],
        [
          'that are fewer than is said',
          [{ kind: 'tcp' }],
          ['--listen', 'systemd'],
          'the socket unknown that systemd passed, descriptor 4, is no socket, or fewer were passed than LISTEN_FDS says',
          { count: 2 },
        ],
        [
          'of which there is no number',
          [{ kind: 'tcp' }],
          ['--listen', 'systemd'],
          'LISTEN_FDS is many, and no number up to 256',
          { count: 'many' },
        ],
        [
          'that do not listen',
          [{ kind: 'silent' }],
          ['--listen', 'systemd'],
          'the socket unknown that systemd passed, descriptor 3, does not listen: Accept= of its unit has to be no',
        ],
        [
          'of packets',
          [{ kind: 'packets', path: '' }],
          ['--listen', 'systemd'],
          'the socket unknown that systemd passed, descriptor 3, is no stream',
        ],
        [
          'of datagrams',
          [{ kind: 'datagrams' }],
          ['--listen', 'systemd'],
          'the socket x that systemd passed, descriptor 3, is no stream',
          { names: 'x' },
        ],
        [
          'that are none',
          [{ kind: 'file' }],
          ['--listen', 'systemd'],
          'the socket unknown that systemd passed, descriptor 3, is no socket, or fewer were passed than LISTEN_FDS says',
        ],
        [
          'without a file',
          [{ kind: 'abstract', path: `runlet-test-${process.pid}` }],
          ['--listen', 'systemd'],
          'the socket unknown that systemd passed, descriptor 3, has no file, by whose mode the system knows who may open it',
        ],
        [
          'of TCP without saying who is let in',
          [{ kind: 'tcp' }],
          ['--listen', 'systemd'],
          '--listen 127.0.0.1:* needs --auth',
        ],
        [
          'that are not of TCP, for metrics',
          [{ kind: 'unix', path: '' }],
          ['--metrics', 'systemd:m'],
          '--metrics systemd:m: it is no socket of TCP',
          { names: 'm' },
        ],
        [
          'that are several, for metrics',
          [{ kind: 'tcp' }, { kind: 'tcp' }],
          ['--metrics', 'systemd:m'],
          '--metrics systemd:m: there are several of that name',
          { names: 'm:m' },
        ],
      ];
    it.each(refused)('are refused: those %s', async (_, sockets, flags, said, passing) => {
      const path = await socketPath();
      const made = sockets.map((each) =>
        'path' in each && each.path === '' ? { ...each, path } : each,
      );
      const passed = await passSockets(made, flags, passing);
      const [code, text] = await passed.fail();
      // The last says where there is help.
      expect(text.replace(/^runlet: /, '').replace(/; see .*$/, '')).toMatch(
        new RegExp(
          `^${said
            .split('*')
            .map((part) => part.replace(/[[\].]/g, '\\$&'))
            .join('\\d+')}$`,
        ),
      );
      expect(code).toBe(2);
    });

    it('are refused where all may open them and nobody is asked', async () => {
      const path = await socketPath();
      const flags = ['--listen', 'systemd', '--auth', 'none'];
      const open = await passSockets([{ kind: 'unix', path, mode: 0o666 }], flags);
      const [code, text] = await open.fail();
      expect(text).toContain(`refusing to listen on unix:${path} without authentication`);
      expect(code).toBe(125);
      const closed = await passSockets([{ kind: 'unix', path: await socketPath() }], flags);
      expect(await closed.begin(1)).toHaveLength(1);
    });
  },
);
