import { status } from '@grpc/grpc-js';
import { Command, InvalidArgumentError } from 'commander';
import { parseAddress } from '../address.ts';
import { isCallError } from '../client/call-error.ts';
import { openConnection } from '../client/connection.ts';
import { CHECKS } from '../conformance/catalog.ts';
import type { Check } from '../conformance/check.ts';
import { createClients } from '../conformance/clients.ts';
import { jsonReporter, type Summary, tapReporter } from '../conformance/report.ts';
import { runChecks } from '../conformance/run-checks.ts';
import { positive, positiveSeconds } from './arguments.ts';
import { addExamples } from './examples.ts';
import { printLine } from './print.ts';
import {
  addressOption,
  givenAddress,
  ownServeAddress,
  type ServerFlags,
} from './server-connection.ts';
import { UnreachableError } from './unreachable-error.ts';
import { UsageError } from './usage-error.ts';

/** The exit code if a check failed. */
const FAILED_EXIT_CODE = 1;

/** How long the server may take to answer for the first time. */
const CONNECT_MS = 10_000;

/** What there is to be waited for takes milliseconds; this is for one that hangs. */
const DEFAULT_TIMEOUT_SECONDS = 20;
const DEFAULT_JOBS = 4;

interface ConformanceFlags extends ServerFlags {
  readonly json?: boolean;
  readonly only?: readonly string[];
  readonly grep?: RegExp;
  readonly list?: boolean;
  readonly timeout: number;
  readonly jobs: number;
}

/** `runlet conformance` */
export function conformanceCommand(): Command {
  const command = new Command('conformance')
    .description(
      'Check from outside whether a server does what the contract runlet.v1 says. The exit code is 0 if every check passed or was skipped for something named that the server lacks, and 1 if one failed.',
    )
    .addOption(addressOption())
    .option('--json', 'print a JSON object a line, the last a summary (default: TAP version 14)')
    .option('--only <id...>', 'do these checks alone', checkId)
    .option('--grep <pattern>', 'do those alone whose id or title matches, in either case', pattern)
    .option('--list', 'only tell which checks there are, with their clauses')
    .option(
      '--timeout <seconds>',
      'how long a check may take',
      positiveSeconds,
      DEFAULT_TIMEOUT_SECONDS,
    )
    .option('--jobs <count>', 'how many checks are under way at a time', positive, DEFAULT_JOBS)
    .action(conformance);
  return addExamples(command, [
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
  ]);
}

async function conformance(flags: ConformanceFlags): Promise<void> {
  const { grep, jobs, json = false, list = false, only } = flags;
  const checks = CHECKS.filter(
    ({ id, title }) =>
      (only?.includes(id) ?? true) && (grep === undefined || grep.test(`${id} ${title}`)),
  );
  if (checks.length === 0) throw new UsageError('no check is left to do');
  if (list) {
    const listed = json ? listedAsJson : listedAsText;
    await printLine(checks.map(listed).join('\n'));
    return;
  }
  const server = givenAddress(flags) ?? ownServeAddress();
  await assertReachable(server);
  const reporter = json ? jsonReporter() : tapReporter();
  const summary: Summary = { passed: 0, failed: 0, skipped: 0 };
  const connect = () => openConnection(parseAddress(server));
  const timeoutMs = flags.timeout * 1000;
  const begin = reporter.begin(checks.length);
  if (begin !== '') await printLine(begin);
  for await (const result of runChecks({ connect, checks, jobs, timeoutMs })) {
    summary[result.outcome] += 1;
    await printLine(reporter.result(result));
  }
  await printLine(reporter.end(summary));
  if (summary.failed > 0) process.exitCode = FAILED_EXIT_CODE;
}

function listedAsText({ clause, id, title }: Check): string {
  return `${id}\t${title}\t${clause}`;
}

function listedAsJson({ clause, id, title }: Check): string {
  return JSON.stringify({ id, title, clause });
}

/**
 * An answer of any kind will do, so that a server which fails the first call is checked too.
 *
 * @throws UnreachableError if there is none
 */
async function assertReachable(server: string): Promise<void> {
  const connection = openConnection(parseAddress(server));
  const deadline = new Date(Date.now() + CONNECT_MS);
  try {
    await createClients(connection).server.getServerInfo({}, { deadline });
  } catch (error) {
    const { DEADLINE_EXCEEDED, UNAVAILABLE } = status;
    if (isCallError(error) && [DEADLINE_EXCEEDED, UNAVAILABLE].includes(error.code)) {
      throw new UnreachableError(server, server === ownServeAddress(), error);
    }
  } finally {
    connection.close();
  }
}

/** Adds the id of a check, in either case, to those that were named before. */
function checkId(text: string, earlier: readonly string[] = []): readonly string[] {
  const id = text.toUpperCase();
  if (!CHECKS.some((check) => check.id === id)) {
    throw new InvalidArgumentError('There is no such check.');
  }
  return [...earlier, id];
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
