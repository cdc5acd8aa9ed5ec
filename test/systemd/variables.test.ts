import { describe, expect, it } from 'vitest';
import { passedDescriptors, whyNonePassed } from '../../src/systemd/passed-sockets.ts';
import { watchdogMsOf } from '../../src/systemd/service-notices.ts';
import { takeSystemdVariables } from '../../src/systemd/variables.ts';

const PID = 42;

describe('the variables of systemd', () => {
  it('are taken out of an environment, and nothing else is', () => {
    const env = {
      NOTIFY_SOCKET: '/run/notify',
      WATCHDOG_USEC: '1',
      WATCHDOG_PID: '2',
      LISTEN_PID: '3',
      LISTEN_FDS: '4',
      LISTEN_FDNAMES: 'a',
      LISTEN_PIDFDID: '5',
      LISTEN: 'mine',
      INVOCATION_ID: 'x',
    };
    const given = { ...env };
    expect(takeSystemdVariables(env)).toEqual(
      Object.fromEntries(Object.entries(given).slice(0, 7)),
    );
    expect(env).toEqual({ LISTEN: 'mine', INVOCATION_ID: 'x' });
    expect(takeSystemdVariables(env)).toEqual({});
  });
});

describe('the descriptors that are passed', () => {
  it.each([
    ['without variables', {}, []],
    ['to another process', { LISTEN_PID: '41', LISTEN_FDS: '1' }, []],
    ['of none', { LISTEN_PID: '42', LISTEN_FDS: '0' }, []],
    ['without names', { LISTEN_PID: '42', LISTEN_FDS: '2' }, ['3 unknown', '4 unknown']],
    [
      'with names, one of them empty',
      { LISTEN_PID: '42', LISTEN_FDS: '3', LISTEN_FDNAMES: 'web::web' },
      ['3 web', '4 unknown', '5 web'],
    ],
  ])('are, %s, as sd_listen_fds(3) has them', (_, variables, expected) => {
    const found = passedDescriptors(variables, PID);
    expect(found.map(({ fd, name }) => `${fd} ${name}`)).toEqual(expected);
  });

  it.each([
    [{ LISTEN_FDS: '-1' }, 'LISTEN_FDS is -1, and no number up to 256'],
    [{ LISTEN_FDS: '257' }, 'LISTEN_FDS is 257, and no number up to 256'],
    [{ LISTEN_FDS: '1e1' }, 'LISTEN_FDS is 1e1, and no number up to 256'],
    [{ LISTEN_FDS: '' }, 'LISTEN_FDS is , and no number up to 256'],
    [{ LISTEN_FDS: '1', LISTEN_FDNAMES: 'a:b' }, 'LISTEN_FDNAMES has 2 names for 1 descriptors'],
  ])('are refused with %j', (variables, message) => {
    expect(() => passedDescriptors({ LISTEN_PID: '42', ...variables }, PID)).toThrow(message);
  });

  it.each([
    [{}, 'systemd has passed no socket: LISTEN_FDS is not set'],
    [{ LISTEN_PID: '42', LISTEN_FDS: '0' }, 'systemd has passed no socket: LISTEN_FDS is 0'],
    [
      { LISTEN_PID: '7', LISTEN_FDS: '1' },
      'systemd has passed sockets to process 7, LISTEN_PID, and this is 42',
    ],
    [
      { LISTEN_FDS: '1' },
      'systemd has passed sockets to process (none), LISTEN_PID, and this is 42',
    ],
  ])('are told why there are none with %j', (variables, why) => {
    expect(whyNonePassed(variables, PID)).toBe(why);
  });
});

describe('the watchdog', () => {
  it.each([
    ['nobody waits', {}, undefined],
    ['nobody waits for this process', { WATCHDOG_USEC: '5000', WATCHDOG_PID: '41' }, undefined],
    ['somebody waits for it', { WATCHDOG_USEC: '5000', WATCHDOG_PID: '42' }, 5],
    ['somebody waits for whoever is told', { WATCHDOG_USEC: '30000000' }, 30_000],
  ])('waits, where %s, %o, so long: %s', (_, variables, expected) => {
    expect(watchdogMsOf(variables, PID)).toBe(expected);
  });

  it.each(['0', '', '-1', 'soon', '1.5', '9'.repeat(20)])('cannot wait for %j', (us) => {
    expect(() => watchdogMsOf({ WATCHDOG_USEC: us }, PID)).toThrow(
      `WATCHDOG_USEC is ${us}, and no number of microseconds`,
    );
  });
});
