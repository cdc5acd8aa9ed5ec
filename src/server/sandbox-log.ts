import type { SandboxesFound } from '../sandbox/sandboxes.ts';
import type { ServerLog } from './server-log.ts';

/** Says once what sandboxes can be made with, and what of them does not work here. */
export function logSandboxes(logger: ServerLog, found: SandboxesFound): void {
  const { mechanism, problems, program, version } = found;
  if (Object.keys(problems).length === 0) {
    logger.info({ mechanism, version, program }, 'sandboxes can be enforced');
  } else if (mechanism === '') {
    logger.info({ program, problems }, 'no sandbox can be enforced; requests for one are refused');
  } else {
    logger.info(
      { mechanism, version, program, problems },
      'some sandboxes cannot be enforced; requests for them are refused',
    );
  }
}
