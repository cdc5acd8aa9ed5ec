import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { OutputStream } from '../../src/gen/runlet/v1/event_pb.ts';
import { connectClients } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import { SOAK } from '../support/soak.ts';

const LINES = 2_000_000;
const SPEC = { argv: ['seq', '1', String(LINES)] };

/** The hash of what is printed, where lines end so. */
function expectedHash(endOfLine: string): string {
  const hash = createHash('sha256');
  for (let line = 1; line <= LINES; ) {
    let text = '';
    for (let i = 0; i < 10_000; i++) text += `${line++}${endOfLine}`;
    hash.update(text);
  }
  return hash.digest('hex');
}

describe('a process that prints two million lines and exits at once', () => {
  it.each([
    ['pipes', SPEC, OutputStream.STDOUT, '\n', [], SOAK ? 200 : 20],
    [
      'a terminal',
      { ...SPEC, terminal: {} },
      OutputStream.TERMINAL,
      '\r\n',
      // The only launcher that gives terminals, whichever the other tests are run with.
      ['--launcher', 'posix_spawn'],
      SOAK ? 200 : 5,
    ],
  ] as const)(
    'on %s loses nothing, every time',
    async (_, spec, stream, endOfLine, flags, times) => {
      const served = await serve(...flags);
      const { processes } = connectClients(served.address);
      const expected = expectedHash(endOfLine);
      for (let time = 1; time <= times; time++) {
        const hash = createHash('sha256');
        let code: number | undefined;
        for await (const { events } of processes.run({ spec })) {
          for (const { event } of events) {
            if (event.case === 'output' && event.value.stream === stream) {
              hash.update(event.value.data);
            } else if (event.case === 'exited' && event.value.status?.status.case === 'code') {
              code = event.value.status.status.value;
            }
          }
        }
        expect({ time, code, hash: hash.digest('hex') }).toEqual({
          time,
          code: 0,
          hash: expected,
        });
      }
    },
    SOAK ? 1_800_000 : 600_000,
  );
});
