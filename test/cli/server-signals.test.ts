import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { takeServerSignals } from '../../src/cli/server-signals.ts';

/** A server that writes down what signals do to it. */
function signaled(
  onTerminal: boolean,
  ...ignoring: readonly NodeJS.Signals[]
): {
  /** Sends signals; returns what was done for them, and those that were left to the system. */
  readonly send: (...signals: readonly NodeJS.Signals[]) => readonly string[];
} {
  const source = new EventEmitter();
  const done: string[] = [];
  takeServerSignals(
    {
      end: (signal) => done.push(`end by ${signal}`),
      hurry: (signal) => done.push(`hurry by ${signal}`),
      reload: (signal) => done.push(`reload by ${signal}`),
      ignored: (signal) => done.push(`ignore ${signal}`),
      endsByHangup: onTerminal,
      wasIgnored: (signal) => ignoring.includes(signal),
    },
    source,
  );
  return {
    send(...signals) {
      for (const signal of signals) {
        if (!source.emit(signal, signal)) done.push(`default for ${signal}`);
      }
      return done;
    },
  };
}

describe('a server that is signaled', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGXCPU'] as const)('ends by %s', (signal) => {
    expect(signaled(false).send(signal)).toEqual([`end by ${signal}`]);
  });

  it.each([
    'SIGUSR1',
    'SIGUSR2',
    'SIGALRM',
    'SIGVTALRM',
    'SIGPROF',
    'SIGPWR',
    'SIGSTKFLT',
  ] as const)('goes on after %s', (signal) => {
    expect(signaled(false).send(signal, signal)).toEqual([`ignore ${signal}`, `ignore ${signal}`]);
  });

  it('reads again what can be by a hangup without a terminal', () => {
    const done = signaled(false).send('SIGHUP', 'SIGHUP', 'SIGTERM');
    expect(done).toEqual(['reload by SIGHUP', 'reload by SIGHUP', 'end by SIGTERM']);
  });

  it('says nothing of SIGIO, which comes with starts that have limits', () => {
    expect(signaled(false).send('SIGIO', 'SIGIO')).toEqual([]);
  });

  it('ends by the hangup of its terminal, which a shell repeats', () => {
    const done = signaled(true).send('SIGHUP', 'SIGHUP', 'SIGTERM');
    expect(done).toEqual(['end by SIGHUP', 'ignore SIGHUP', 'hurry by SIGTERM']);
  });

  it('kills what it runs on a second signal, and ends at once on a third', () => {
    const done = signaled(false).send('SIGINT', 'SIGTERM', 'SIGTERM');
    expect(done).toEqual(['end by SIGINT', 'hurry by SIGTERM', 'default for SIGTERM']);
  });

  it('goes on ignoring what was ignored when it was started', () => {
    const done = signaled(true, 'SIGHUP', 'SIGTERM').send('SIGHUP', 'SIGTERM', 'SIGINT');
    expect(done).toEqual(['default for SIGHUP', 'default for SIGTERM', 'end by SIGINT']);
  });
});
