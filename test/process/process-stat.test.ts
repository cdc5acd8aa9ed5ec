import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseStat } from '../../src/process/process-stat.ts';

/** What a line of proc(5) says, which is followed by what was read before. */
function parsed(line: string) {
  const bytes = Buffer.from(
    `${line}9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9`,
    'latin1',
  );
  return parseStat(7, bytes, Buffer.byteLength(line, 'latin1'));
}

function line(name: string, state = 'S'): string {
  const [group, session] = [11, 12];
  return `7 (${name}) ${state} 10 ${group} ${session} 0 -1 4194560 99 0 0 0 1 20 300 4000 20 0 1 0 123456789 555 42 18446744073709551615 1 1\n`;
}

describe('what is read of /proc/PID/stat', () => {
  it.each(['sh', ') S 1 2 3 (', 'a b', '', '\xff)'])('is right for the name %j', (name) => {
    expect(parsed(line(name))).toEqual({
      pid: 7,
      parent: 10,
      group: 11,
      session: 12,
      startTime: '123456789',
      ended: false,
      cpuTicks: 4321,
      residentPages: 42,
    });
  });

  it.each([
    ['S', false],
    ['R', false],
    ['T', false],
    ['Z', true],
    ['X', true],
    ['x', true],
  ])('says of the state %s whether it has ended', (state, ended) => {
    expect(parsed(line('sh', state))?.ended).toBe(ended);
  });

  it('is nothing where it is not whole', () => {
    const whole = line('sh');
    const end = whole.indexOf(' 42 ');
    for (let length = 0; length <= end; length++) {
      expect(parsed(whole.slice(0, length))).toBeUndefined();
    }
    expect(parsed(whole.slice(0, end + 3))).toBeDefined();
  });

  it('is what this process knows of itself', () => {
    const bytes = readFileSync('/proc/self/stat');
    expect(parseStat(process.pid, bytes, bytes.length)).toMatchObject({
      parent: process.ppid,
      ended: false,
    });
  });
});
