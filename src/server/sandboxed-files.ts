import type { FileHelpers } from '../files/helper/file-helpers.ts';
import { sandboxKey } from '../files/helper/helper-spec.ts';
import type { Sandbox } from '../gen/runlet/v1/sandbox_pb.ts';
import type { Sandboxes } from '../sandbox/sandboxes.ts';
import { parseSandbox } from './requests/sandbox.ts';
import type { SandboxedCall, SessionCall } from './services/file/file-calls.ts';

/**
 * Files in the sandboxes that requests ask for. What cannot be enforced of one is told when the first
 * operation is asked for.
 *
 * @returns what does operations in one. It throws RunletError `INVALID_REQUEST`, `LIMIT_EXCEEDED`
 */
export function sandboxedFiles({
  helpers,
  sandboxes,
}: {
  readonly helpers: FileHelpers;
  readonly sandboxes: Pick<Sandboxes, 'profiles'>;
}): (field: string, sandbox: Sandbox, call: SessionCall) => SandboxedCall {
  return (field, sandbox, { asker, session }) => {
    const spec = parseSandbox(field, sandbox, sandboxes.profiles, 'own');
    const key = sandboxKey(spec);
    return { files: helpers.of(session, asker, key, spec), sandbox: key };
  };
}
