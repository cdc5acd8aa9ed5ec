import type { Socket } from 'node:net';
import type { CallContext } from '../../../bridge/call-context.ts';
import { targetText } from '../../../network/dial-target.ts';
import type { Dialer } from '../../../network/dialer.ts';
import { dialUnix } from '../../../network/tunnels/dial-unix.ts';
import { namespaceDialer, processExited } from '../../../network/tunnels/namespace-dialer.ts';
import type { Session } from '../../../session/session.ts';
import { shownText } from '../../../system-text.ts';
import { assertSandboxed } from '../../require-sandbox.ts';
import type { OpenTarget } from './open-target.ts';
import type { TunnelCall } from './tunnel-calls.ts';
import { tunnelError } from './tunnel-error.ts';
import type { TunnelServiceOptions } from './tunnel-service.ts';

/** A connection that stands, with half-open ends allowed, and its other side, for people. */
export interface Connected {
  readonly socket: Socket;
  readonly peer: string;
}

/**
 * Connects to a target that is not a listener's connection.
 *
 * @throws RunletError as `Connect` has it; the reason of the call's signal
 */
export async function dial(
  options: TunnelServiceOptions,
  target: Exclude<OpenTarget, { readonly kind: 'listener' }>,
  { asker, session }: TunnelCall,
  context: CallContext,
): Promise<Connected> {
  const { admitFiles, clock, own, sandboxes, workers } = options;
  const bounds = { asker, signal: context.signal, timeoutMs: target.timeoutMs };
  try {
    if (target.kind === 'path') {
      admitFiles(context);
      assertSandboxed(undefined, sandboxes.required);
      const socket = await dialUnix(target.path, { ...bounds, clock, files: workers, own });
      return { socket, peer: shownText(target.path) };
    }
    const dialer = dialerFor(options, session, target.processId);
    const { address, socket } = await dialer.dial(target.target, bounds);
    return { socket, peer: targetText({ host: address, port: target.target.port }) };
  } catch (error) {
    throw tunnelError(error);
  }
}

/** In the server's network, unless a process is named that has its own. */
function dialerFor(
  { clock, dialer }: TunnelServiceOptions,
  { processes }: Session,
  processId: string | undefined,
): Dialer {
  if (processId === undefined) return dialer;
  const { network, record } = processes.get(processId);
  // It stands as long as anything of the process does.
  if (network !== undefined) return namespaceDialer(network, clock);
  if (record.phase.state !== 'running') throw processExited();
  return dialer;
}
