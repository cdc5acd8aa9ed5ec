import { closeSync } from 'node:fs';
import { isIP, Socket } from 'node:net';
import type { Clock } from '../../clock.ts';
import { RunletError } from '../../errors.ts';
import type { IpVersion, ProcessNetwork } from '../../process/launcher.ts';
import { DialError, type DialStage } from '../dial-error.ts';
import { type DialTarget, targetText } from '../dial-target.ts';
import type { Dialed, Dialer } from '../dialer.ts';

/** What `localhost` is in a network that has nothing else. */
const LOCALHOST = ['127.0.0.1', '::1'];

/**
 * What connects inside of the network of a process: to what it and its kin listen at, which no
 * policy of the server's network is about. Names but `localhost` lead nowhere there.
 */
export function namespaceDialer(network: ProcessNetwork, clock: Clock): Dialer {
  return {
    async dial(target, { signal, timeoutMs }) {
      const timeout = new AbortController();
      const timer = clock.setTimer(timeoutMs, () => timeout.abort());
      try {
        const ends = AbortSignal.any([signal, timeout.signal]);
        return await dialInside(network, target, ends);
      } catch (error) {
        signal.throwIfAborted();
        if (timeout.signal.aborted) throw dialError(target, 'TIMEOUT', 'ETIMEDOUT');
        throw error;
      } finally {
        timer.cancel();
      }
    },
  };
}

async function dialInside(
  network: ProcessNetwork,
  target: DialTarget,
  signal: AbortSignal,
): Promise<Dialed> {
  let errnoName = '';
  for (const address of addressesOf(target)) {
    const socket = socketOf(await opened(network, target, isIP(address) as IpVersion, signal));
    try {
      await connect(socket, { host: address, port: target.port }, signal);
      return { socket, address };
    } catch (error) {
      signal.throwIfAborted();
      errnoName = error instanceof Error && 'code' in error ? String(error.code) : '';
    }
  }
  throw dialError(target, 'CONNECT', errnoName);
}

function addressesOf(target: DialTarget): readonly string[] {
  if (target.host.toLowerCase() === 'localhost') return LOCALHOST;
  if (isIP(target.host) === 0) throw dialError(target, 'RESOLVE', 'ENOTFOUND');
  return [target.host];
}

/** A descriptor that belongs to the network. One that nobody waits for any more is closed. */
async function opened(
  network: ProcessNetwork,
  target: DialTarget,
  version: IpVersion,
  signal: AbortSignal,
): Promise<number> {
  const asked = network.openSocket(version);
  const fd = await Promise.race([asked, aborted(signal)]);
  if (fd === undefined) {
    void asked.then((late) => typeof late === 'number' && closeSync(late));
    signal.throwIfAborted();
  }
  if (typeof fd === 'number') return fd;
  const errnoName = fd ?? '';
  const text = targetText(target);
  const message = `the network of the process could not be entered: ${errnoName}`;
  throw new RunletError('TUNNEL_FAILED', {
    message,
    tunnelFailure: { stage: 'NAMESPACE', errnoName, message, target: text },
  });
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/** Of a descriptor that is not connected: Node.js would begin to read it at once. */
function socketOf(fd: number): Socket {
  const options = { fd, allowHalfOpen: true, manualStart: true };
  return new Socket(options);
}

function connect(socket: Socket, target: DialTarget, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => void socket.destroy(new Error('given up'));
    signal.addEventListener('abort', giveUp);
    const settle = (): void => {
      signal.removeEventListener('abort', giveUp);
      socket.off('error', failed);
    };
    const failed = (error: Error): void => {
      settle();
      reject(error);
    };
    socket.on('error', failed);
    socket.connect({ ...target }, () => {
      settle();
      socket.setNoDelay(true);
      resolve();
    });
    if (signal.aborted) giveUp();
  });
}

function dialError(target: DialTarget, stage: DialStage, errnoName: string): DialError {
  const text = targetText(target);
  const message = `could not connect to ${text} in the network of the process: ${errnoName}`;
  return new DialError({ stage, errnoName, message, target: text, rule: '' });
}
