import { RunletClientError } from './client-error.ts';

/**
 * The server does not enforce sandboxes: it is of a version that would leave one out of what it is
 * asked, and is not asked at all; or it did leave it out, and what it had started was ended.
 */
export class SandboxError extends RunletClientError {
  override readonly name = 'SandboxError';

  constructor(message: string, cause?: unknown) {
    super('SANDBOX_IGNORED', message, cause);
  }
}
