import { Command, InvalidArgumentError } from 'commander';
import { positive, positiveSeconds } from './arguments.ts';
import type { ConformanceFlags } from './conformance-flags.ts';
import { addExamples } from './examples.ts';
import { secureExample } from './secure-example.ts';
import { addServerOptions } from './server-connection.ts';

/** What there is to be waited for takes milliseconds; this is for one that hangs. */
const DEFAULT_TIMEOUT_SECONDS = 20;
const DEFAULT_JOBS = 4;

/** `runlet conformance` */
export function conformanceCommand(): Command {
  const command = addServerOptions(new Command('conformance'))
    .option('--json', 'print a JSON object a line, the last a summary (default: TAP version 14)')
    .option('--only <id...>', 'do these checks alone (default: all)', checkId)
    .option(
      '--grep <pattern>',
      'do those alone whose id or title matches, in either case (default: all)',
      pattern,
    )
    .option('--list', 'only tell which checks there are, with their clauses')
    .option(
      '--timeout <duration>',
      'how long a check may take',
      positiveSeconds,
      DEFAULT_TIMEOUT_SECONDS,
    )
    .option('--jobs <count>', 'how many checks are under way at a time', positive, DEFAULT_JOBS)
    .action(async (flags: ConformanceFlags) => {
      // Other commands start sooner without the code of the checks.
      const { conformance } = await import('./check-server.ts');
      await conformance(flags);
    });
  return addExamples(
    command,
    [
      {
        command: 'runlet conformance',
        does: 'Check the server',
        prints: /^TAP version 14\n1\.\.\d+\nok 1 - .*\n# \d+ passed, 0 failed, \d+ skipped\n$/s,
      },
      {
        command: 'runlet conformance --only STDIN-04 STDIN-05 --json',
        does: 'Do two of the checks',
        prints: /^\{"id":"STDIN-04".*\{"summary":\{"passed":2,"failed":0,"skipped":0\}\}\n$/s,
      },
    ],
    [
      {
        command: 'runlet conformance --list --grep stdin',
        does: 'Tell which checks there are of a matter',
        prints: /^STDIN-01\t.*\tWriteStdinRequest.eof$/m,
      },
      {
        command: 'runlet conformance --address "$SERVER" --only STDIN-04 --jobs 1 --timeout 1m',
        does: 'Give a slow server more time',
        prints: /^TAP version 14\n1\.\.1\n/,
      },
      secureExample('conformance', '--only STDIN-04', /\nok 1 - /),
    ],
  );
}

/** Adds the id of a check, in either case, to those that were named before. */
function checkId(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, text.toUpperCase()];
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
