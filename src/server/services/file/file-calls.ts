import type { CallContext } from '../../../bridge/call-context.ts';
import type { ServiceImpl } from '../../../bridge/types.ts';
import type { Clock } from '../../../clock.ts';
import { invalidField } from '../../../errors.ts';
import type { FileOperations } from '../../../files/workers/file-operations.ts';
import type { FileService } from '../../../gen/runlet/v1/file_pb.ts';
import type { Sandbox } from '../../../gen/runlet/v1/sandbox_pb.ts';
import { type Limits, MAX_PATH_BYTES } from '../../../limits.ts';
import type { PrincipalLimits } from '../../../policy/principal-limits.ts';
import type { Sandboxes } from '../../../sandbox/sandboxes.ts';
import type { Session } from '../../../session/session.ts';
import type { SessionRegistry } from '../../../session/session-registry.ts';
import { textOfBytes } from '../../../system-text.ts';
import type { Asker } from '../../../turn-queue.ts';
import { callerOf } from '../../caller.ts';
import { assertNoNul } from '../../requests/spec-texts.ts';
import { assertSandboxed } from '../../require-sandbox.ts';
import { enterSession, type SessionReference } from '../enter-session.ts';
import { type NamedFiles, noteChangedFiles } from './changed-files.ts';

/** What the service is made with. */
export interface FileServiceOptions {
  readonly sessions: SessionRegistry;
  /** What does operations on files outside of sandboxes. */
  readonly workers: FileOperations;
  /**
   * What does them inside of one, which is in a field of the request.
   *
   * @throws RunletError `INVALID_REQUEST`, `LIMIT_EXCEEDED`
   */
  readonly sandboxed: (field: string, sandbox: Sandbox, call: SessionCall) => SandboxedCall;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly principals: PrincipalLimits;
  readonly sandboxes: Sandboxes;
  /**
   * Says whether a caller may touch files at all, beyond its grants.
   *
   * @throws RunletError `POLICY_DENIED`
   */
  readonly admitFiles: (context: CallContext) => void;
}

/** The methods of the service with some names. */
export type FileMethods<K extends keyof ServiceImpl<typeof FileService>> = Pick<
  ServiceImpl<typeof FileService>,
  K
>;

/** A call in a session. */
export interface SessionCall {
  readonly session: Session;
  /** Who asks for operations. */
  readonly asker: Asker;
}

/** What a call about files in a sandbox is done with. */
export interface SandboxedCall {
  readonly files: FileOperations;
  /** Tells the sandbox from others; undefined: there is none. */
  readonly sandbox: string | undefined;
}

/** A call that is about files, in a session. */
export interface FileCall extends SessionCall, SandboxedCall {}

/**
 * Enters the session of a call about files: it fails at once when the session is over or another
 * attachment takes over, whatever it does at that time. `field` is where its sandbox is.
 *
 * @throws RunletError as {@link enterSession}; `POLICY_DENIED`, `SANDBOX_REQUIRED`; as
 *   {@link FileServiceOptions.sandboxed}
 */
export function enterFiles(
  options: FileServiceOptions,
  reference: SessionReference & NamedFiles & { readonly sandbox?: Sandbox | undefined },
  context: CallContext,
  field = 'sandbox',
): FileCall {
  return enter(options, reference, context, (call) => {
    assertSandboxed(reference.sandbox, options.sandboxes.required);
    const { sandboxed, workers } = options;
    if (reference.sandbox === undefined) return { files: workers, sandbox: undefined };
    return sandboxed(field, reference.sandbox, call);
  });
}

/**
 * Does so for a call about an upload by its id, which names no path: the sandbox is that in which it
 * was begun.
 *
 * @throws RunletError as {@link enterSession}; `POLICY_DENIED`
 */
export function enterUpload(
  options: FileServiceOptions,
  reference: SessionReference & NamedFiles,
  context: CallContext,
): FileCall {
  const { workers } = options;
  return enter(options, reference, context, () => ({ files: workers, sandbox: undefined }));
}

function enter(
  { admitFiles, sessions }: FileServiceOptions,
  reference: SessionReference & NamedFiles,
  context: CallContext,
  sandboxed: (call: SessionCall) => SandboxedCall,
): FileCall {
  const session = enterSession(sessions, reference, context);
  admitFiles(context);
  const call = { session, asker: { principal: callerOf(context).name, asker: session } };
  const how = sandboxed(call);
  noteChangedFiles(reference, context);
  context.defer(session.whenOver((why) => context.fail(why)));
  return { ...call, ...how };
}

/**
 * A path of a request, as a text of system-text.ts. `field` is that of the text; its twin with
 * the bytes begins with `raw_`.
 *
 * @throws RunletError `INVALID_REQUEST`
 */
export function parsePath(field: string, text: string, bytes: Uint8Array): string {
  const raw = field.replace(/[^.]+$/, 'raw_$&');
  if (text !== '' && bytes.length > 0) {
    throw invalidField(raw, `must be empty where ${field} is not`);
  }
  const path = text || textOfBytes(bytes);
  const given = bytes.length > 0 ? raw : field;
  if (!path.startsWith('/')) throw invalidField(given, 'must be an absolute path');
  assertNoNul(given, path);
  if (Buffer.byteLength(text) + bytes.length > MAX_PATH_BYTES) {
    throw invalidField(given, `must not be longer than ${MAX_PATH_BYTES} bytes`);
  }
  return path;
}
