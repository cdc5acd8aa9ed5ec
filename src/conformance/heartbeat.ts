import { durationMs } from '@bufbuild/protobuf/wkt';
import { ensure } from './assert.ts';
import type { CheckContext } from './context.ts';

/** So many intervals of silence are waited for, one of which has to bring a heartbeat. */
const INTERVALS = 3;

/**
 * Waits for a message of a silent stream while the server's own time passes.
 *
 * @throws ConformanceError if none comes
 */
export async function ensureHeartbeat(
  context: CheckContext,
  next: Promise<unknown>,
): Promise<unknown> {
  const interval = context.info.limits?.heartbeatInterval;
  ensure(interval !== undefined, 'heartbeat_interval is absent');
  const none = Symbol('no heartbeat');
  const passed = context.letPass(INTERVALS * durationMs(interval)).then(() => none);
  const message = await Promise.race([next, passed]);
  ensure(message !== none, `nothing came for ${INTERVALS} heartbeat intervals`);
  return message;
}
