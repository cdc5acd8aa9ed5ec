import { isatty } from 'node:tty';
import { Command, Option } from 'commander';
import { abortedBySignals } from './abort-on-signal.ts';
import { collect, nonEmpty, positiveSeconds } from './arguments.ts';
import { addExamples } from './examples.ts';
import { STATUS_EXIT_CODE, TIMEOUT_EXIT_CODE } from './exit-codes.ts';
import { failureExitCode } from './failure.ts';
import { FetchError, namingFetch } from './fetch-error.ts';
import { type Answer, exchange } from './fetch-exchange.ts';
import { collectHeader, type FetchFlags, fetchRequest } from './fetch-request.ts';
import { fileOutput, type Output } from './file-output.ts';
import { addHelpAll } from './help-all.ts';
import { printable } from './human-text.ts';
import { withNetworkSession } from './network-session.ts';
import { secureExample } from './secure-example.ts';
import { addServerOptions, withServer } from './server-connection.ts';
import { standardOutput } from './standard-output.ts';
import { UsageError } from './usage-error.ts';

/** Flags that the help leaves out unless all is asked for. */
const SELDOM_FLAGS = ['--data-binary', '--compressed', '--remote-name', '--show-error'];

/** `runlet fetch` */
export function fetchCommand(): Command {
  const command = addServerOptions(new Command('fetch'))
    .option('-X, --request <method>', 'the method (default: GET, or POST with -d)', nonEmpty)
    .option(
      '-H, --header <line>',
      'a header, NAME: VALUE, or NAME; without a value. May be given again',
      collectHeader,
    )
    .addOption(
      new Option(
        '-d, --data <text>',
        'the body: text, @FILE or @- for standard input, without line ends. May be given again, joined by &',
      )
        .argParser(collect)
        .conflicts('dataBinary'),
    )
    .option('--data-binary <text>', 'the same, with files as they are. May be given again', collect)
    .option('-I, --head', 'ask for the headers alone, and print them')
    .option('-i, --include', 'print the headers of the answer, too')
    .option('-L, --location', 'follow redirects')
    .option('-f, --fail', 'print nothing and exit with 22 for a status of 400 or more')
    .option('-o, --output <path>', 'write the body to a file (default: standard output)', nonEmpty)
    .addOption(
      new Option('-O, --remote-name', 'write it to a file with the last name of the URL').conflicts(
        'output',
      ),
    )
    .option('-s, --silent', 'say nothing of what fails')
    .option('-S, --show-error', 'with --silent: say it all the same')
    .option(
      '-m, --max-time <duration>',
      'how long all of it may take (default: for ever)',
      positiveSeconds,
    )
    .option('--compressed', 'ask for a compressed body, and print what it was before')
    .option(
      '--credential <name>',
      'have the server add one of its credentials (default: none)',
      nonEmpty,
    )
    .option('--session <id>', 'the session (default: one that is made for it)', nonEmpty)
    .argument('<url>', 'where to; http:// where it has no scheme', nonEmpty)
    .action(fetch);
  return addExamples(
    addHelpAll(command, SELDOM_FLAGS),
    [
      {
        command: 'runlet fetch -f "$URL/hello"',
        does: 'Print what a web server answers that the server reaches',
        prints: /^hello\n$/,
      },
      {
        command: `runlet fetch -iL -H 'Accept: text/plain' "$URL/moved"`,
        does: 'Follow redirects, and see the headers',
        prints: /^HTTP\/1\.1 200\r\n(?:.*\r\n)+\r\nhello\n$/,
      },
      {
        command: `runlet fetch -X PUT -d '{"a":1}' -m 1m "$URL/echo"`,
        does: 'Send something, for a minute at most',
        prints: /^PUT \{"a":1\}\n$/,
      },
    ],
    [
      {
        command:
          'runlet fetch --address "$SERVER" --session "$SESSION" -sS --compressed -o "$FOLDER/page" "$URL/hello"',
        does: 'Write a body to a file',
        prints: /^$/,
      },
      {
        command: 'seq 2 | runlet fetch --data-binary @- "$URL/echo"',
        does: 'Send standard input as it is',
        prints: /^POST 1\n2\n\n$/,
      },
      {
        command: 'cd "$FOLDER" && runlet fetch -O "$URL/hello"',
        does: 'Write a body to a file with the name that it has there',
        prints: /^$/,
      },
      {
        command: 'runlet fetch -I "$URL/hello"',
        does: 'See the headers alone',
        prints: /^HTTP\/1\.1 200\r\n(?:.*\r\n)+\r\n$/,
      },
      {
        command: 'runlet fetch --credential api "$URL/hello"',
        does: 'Use a credential that the server has, and this machine has not',
        code: 125,
        prints: /--credential: the server has no credential with this name/,
      },
      secureExample('fetch', '"$URL/hello"', /^hello\n$/),
    ],
  );
}

async function fetch(url: string, flags: FetchFlags): Promise<void> {
  const request = await fetchRequest(url, flags);
  const output = outputOf(request.url, flags);
  try {
    await abortedBySignals((signal) =>
      within(flags.maxTime, signal, (both) =>
        withServer(flags, (client, address) =>
          withNetworkSession(
            client,
            address,
            { named: flags.session, reconnectMs: 0, signal: both },
            async (network) => {
              const session = await network.current();
              // Nothing else keeps this program from ending while an answer is waited for.
              const release = session.calls.hold();
              try {
                const answer = await namingFetch(exchange(session, request, both));
                await printAnswer(answer, flags, output, request.url);
              } finally {
                release();
              }
            },
          ),
        ),
      ),
    );
  } catch (error) {
    if (flags.silent !== true || flags.showError === true) throw error;
    process.exitCode = failureExitCode(error);
  } finally {
    await output.close();
  }
}

/** Ends something after a time, in seconds, beside what ends it otherwise. */
async function within(
  maxTime: number | undefined,
  signal: AbortSignal,
  use: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  if (maxTime === undefined) return use(signal);
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), maxTime * 1000);
  try {
    await use(AbortSignal.any([signal, controller.signal]));
  } catch (error) {
    if (!controller.signal.aborted || signal.aborted) throw error;
    throw new FetchError(`it took longer than the ${maxTime} s of --max-time`, TIMEOUT_EXIT_CODE);
  } finally {
    clearTimeout(timer);
  }
}

async function printAnswer(
  answer: Answer,
  { fail, head, include }: FetchFlags,
  output: Output,
  url: URL,
): Promise<void> {
  const { body, status } = answer;
  if (fail === true && status >= 400) {
    answer.cancel();
    throw new FetchError(`${url.host} answered with the status ${status}`, STATUS_EXIT_CODE);
  }
  if (head === true || include === true) await output.write(headBytes(answer, output.isTerminal));
  const pieces = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      // What fails of the output is not about the answer.
      const next = await namingFetch(pieces.next());
      if (next.done === true) return output.end();
      await output.write(next.value);
    }
  } finally {
    await pieces.return?.();
  }
}

/** The head as HTTP/1.1 has it. Of the words after a status nothing is told. */
function headBytes({ headers, httpVersion, status }: Answer, isTerminal: boolean): Buffer {
  const text = (value: Buffer): Buffer =>
    isTerminal ? Buffer.from(printable(value.toString())) : value;
  const lines = headers.flatMap(([name, value]) => [
    Buffer.from(`${name}: `),
    text(value),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([
    Buffer.from(`HTTP/${httpVersion} ${status}\r\n`),
    ...lines,
    Buffer.from('\r\n'),
  ]);
}

/** Where the answer goes. A file is made when there is something to write into it. */
function outputOf(url: URL, { output, remoteName }: FetchFlags): Output {
  if (output !== undefined && output !== '-') return fileOutput(output);
  if (remoteName !== true) {
    const { write } = standardOutput(1);
    return { isTerminal: isatty(1), write, end: async () => {}, close: async () => {} };
  }
  const name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  if (name === '' || name === '.' || name === '..') {
    throw new UsageError('--remote-name: the URL ends with no name');
  }
  return fileOutput(name);
}
