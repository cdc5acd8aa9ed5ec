import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { DialError, type DialStage } from './dial-error.ts';
import { type DialTarget, targetText } from './dial-target.ts';
import type { Dialed, Dialer } from './dialer.ts';
import type { Egress } from './egress/egress.ts';

/** What connects from the server's own network. */
export function directDialer(egress: Egress, clock: Clock): Dialer {
  return {
    async dial(target, { signal, timeoutMs }) {
      const timeout = new AbortController();
      const timer = clock.setTimer(timeoutMs, () => timeout.abort());
      const ends = AbortSignal.any([signal, timeout.signal]);
      try {
        return await connectTo(target, egress, ends);
      } catch (error) {
        signal.throwIfAborted();
        if (timeout.signal.aborted) throw failure(target, 'TIMEOUT', 'ETIMEDOUT', 'took too long');
        throw error;
      } finally {
        timer.cancel();
      }
    },
  };
}

async function connectTo(target: DialTarget, egress: Egress, signal: AbortSignal): Promise<Dialed> {
  assertAllowed(target, egress.deniesName(target));
  const addresses = await addressesOf(target);
  let last: unknown;
  for (const address of addresses) {
    assertAllowed(target, egress.denies(target, address));
    try {
      return { socket: await connected(address, target.port, signal), address };
    } catch (error) {
      signal.throwIfAborted();
      last = error;
    }
  }
  throw failure(target, 'CONNECT', codeOf(last), `could not connect to ${targetText(target)}`);
}

async function addressesOf(target: DialTarget): Promise<readonly string[]> {
  if (isIP(target.host) !== 0) return [target.host];
  try {
    const found = await lookup(target.host, { all: true });
    return found.map(({ address }) => address);
  } catch (error) {
    throw failure(target, 'RESOLVE', codeOf(error), `could not find ${target.host}`);
  }
}

function connected(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const giveUp = (): void => void socket.destroy(new Error('given up'));
    signal.addEventListener('abort', giveUp);
    const settle = (): void => signal.removeEventListener('abort', giveUp);
    socket.once('error', (error) => {
      settle();
      reject(error);
    });
    socket.once('connect', () => {
      settle();
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

function assertAllowed(target: DialTarget, rule: string | undefined): void {
  if (rule === undefined) return;
  const message = `${targetText(target)} may not be reached`;
  throw new DialError({
    stage: 'DENIED',
    errnoName: '',
    message,
    target: targetText(target),
    rule,
  });
}

function failure(
  target: DialTarget,
  stage: DialStage,
  errnoName: string,
  message: string,
): DialError {
  return new DialError({ stage, errnoName, message, target: targetText(target), rule: '' });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
