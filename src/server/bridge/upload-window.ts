import type { ServerHttp2Session } from 'node:http2';
import { UPLOAD_CONNECTION_WINDOW_BYTES, UPLOAD_STREAM_WINDOW_BYTES } from '../../limits.ts';

/** What grpc-js keeps to itself of a call. */
interface CallInternals {
  readonly call?: { readonly stream?: { readonly session?: ServerHttp2Session } };
}

const raised = new WeakSet<ServerHttp2Session>();

/**
 * Lets a client whose call streams requests send more of them ahead than the 64 KiB that
 * HTTP/2 begins with, on its whole connection from now on: else no more than these arrive
 * in a round trip. A server of grpc-js has no option for it
 * (https://github.com/grpc/grpc-node/issues/3058). Where it keeps the connection
 * elsewhere one day, nothing is raised, and a test says so.
 */
export function raiseUploadWindow(call: unknown): void {
  const session = (call as CallInternals).call?.stream?.session;
  if (session === undefined || session.destroyed || raised.has(session)) return;
  raised.add(session);
  session.setLocalWindowSize(UPLOAD_CONNECTION_WINDOW_BYTES);
  session.settings({ initialWindowSize: UPLOAD_STREAM_WINDOW_BYTES });
}
