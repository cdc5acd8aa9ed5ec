import { closeSync } from 'node:fs';
import { isIP, Socket } from 'node:net';
import type { Clock } from '../../clock.ts';
import { RunletError } from '../../errors.ts';
import type { ProcessNetwork } from '../../process/launcher.ts';
import { DialError, type DialStage } from '../dial-error.ts';
import { type DialTarget, targetText } from '../dial-target.ts';
import type { Dialed, Dialer } from '../dialer.ts';
import { boundedDial, unlessAborted } from './bounded-dial.ts';
import { connectSocket } from './connect-socket.ts';

/** What `localhost` is in a network that has nothing else. */
const LOCALHOST = ['127.0.0.1', '::1'];

/**
 * What connects inside of the network of a process: to what it and its kin listen at, which no
 * policy of the server's network is about. Names but `localhost` lead nowhere there.
 */
export function namespaceDialer(network: ProcessNetwork, clock: Clock): Dialer {
  return {
    dial: (target, { signal, timeoutMs }) =>
      boundedDial(targetText(target), { clock, signal, timeoutMs }, (ends) =>
        dialInside(network, target, ends),
      ),
  };
}

async function dialInside(
  network: ProcessNetwork,
  target: DialTarget,
  signal: AbortSignal,
): Promise<Dialed> {
  let errnoName = '';
  for (const address of addressesOf(target)) {
    const socket = await openSocket(network, target, address, signal);
    try {
      await connectSocket(socket, { host: address, port: target.port }, signal);
      socket.setNoDelay(true);
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

/** A socket that belongs to the network, whoever connects it. */
async function openSocket(
  network: ProcessNetwork,
  target: DialTarget,
  address: string,
  signal: AbortSignal,
): Promise<Socket> {
  const asked = network.openSocket(isIP(address) === 6 ? 6 : 4);
  const fd = await unlessAborted(asked, signal, (late) => {
    if (typeof late === 'number') closeSync(late);
  });
  if (fd === 'ESRCH') throw processExited();
  if (typeof fd === 'string') throw notEntered(target, fd);
  // Node.js would begin to read it before it is connected.
  const options = { fd, allowHalfOpen: true, manualStart: true };
  return new Socket(options);
}

/** There is no process whose network could be used. */
export function processExited(): RunletError {
  return new RunletError('PROCESS_EXITED', { message: 'the process exited' });
}

function notEntered(target: DialTarget, errnoName: string): RunletError {
  const message = `the network of the process could not be entered: ${errnoName}`;
  return new RunletError('TUNNEL_FAILED', {
    message,
    tunnelFailure: { stage: 'NAMESPACE', errnoName, message, target: targetText(target) },
  });
}

function dialError(target: DialTarget, stage: DialStage, errnoName: string): DialError {
  const text = targetText(target);
  const problem = stage === 'RESOLVE' ? 'there is no' : 'could not connect to';
  const message = `${problem} ${text} in the network of the process: ${errnoName}`;
  return new DialError({ stage, errnoName, message, target: text, rule: '' });
}
