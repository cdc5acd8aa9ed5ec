import { Command } from 'commander';
import { unlessAborted } from '../client/waiting.ts';
import { abortedBySignals } from './abort-on-signal.ts';
import { nonEmpty } from './arguments.ts';
import { addExamples } from './examples.ts';
import { findProcess } from './find-process.ts';
import {
  collectForward,
  type ForwardSpec,
  isSocketPath,
  LONG_PATH,
  listenPlace,
  type PortPlace,
} from './forward-spec.ts';
import { type ForwardLine, openForwards } from './forwards.ts';
import { withNetworkSession } from './network-session.ts';
import { printJson, printLine } from './print.ts';
import { RECONNECT_SECONDS } from './reconnect.ts';
import { secureExample } from './secure-example.ts';
import {
  addServerOptions,
  reconnectOption,
  type ServerFlags,
  withServer,
} from './server-connection.ts';
import { UsageError } from './usage-error.ts';

interface ForwardFlags extends ServerFlags {
  readonly session?: string;
  readonly process?: string;
  readonly reverse?: boolean;
  readonly socks?: PortPlace;
  readonly httpProxy?: PortPlace;
  readonly json?: boolean;
  readonly reconnectFor: number;
}

/** `runlet forward` */
export function forwardCommand(): Command {
  const command = addServerOptions(new Command('forward'))
    .option(
      '-R, --reverse',
      'listen on the server, [BIND:]PORT there, and connect to HOST:PORT from here',
    )
    .option(
      '-D, --socks <[bind:]port>',
      'be a SOCKS proxy here, versions 5 and 4a (default: none)',
      listenPlace,
    )
    .option(
      '--http-proxy <[bind:]port>',
      'be an HTTP proxy here, for CONNECT and plain HTTP (default: none)',
      listenPlace,
    )
    .option(
      '--session <id>',
      'the session that connects (default: one that is made, and ends with this)',
      nonEmpty,
    )
    .option(
      '--process <id>',
      'a process in whose network hosts are looked up and connected (default: the server itself)',
      nonEmpty,
    )
    .option('--json', 'print a line of JSON for each')
    .addOption(reconnectOption(RECONNECT_SECONDS))
    .argument(
      '[spec...]',
      '[LOCAL:]HOST:PORT or LOCAL:/PATH, LOCAL being [BIND:]PORT or a path (default: its PORT, on 127.0.0.1)',
      collectForward,
    )
    .action(forward);
  return addExamples(
    command,
    [
      {
        command: 'runlet forward 0:db.internal:5432',
        does: 'Reach a database of the server from here, at a port that is free',
        code: null,
        prints: /^forward 127\.0\.0\.1:\d+ -> db\.internal:5432\n$/,
      },
      {
        command: 'runlet forward --reverse 0:localhost:3000',
        does: 'Let processes there reach what listens here',
        code: null,
        prints: /^reverse 127\.0\.0\.1:\d+ -> localhost:3000\n$/,
      },
      {
        command: 'runlet forward --socks 0 --http-proxy 0',
        does: 'Reach all that the server reaches',
        code: null,
        prints: /^socks 127\.0\.0\.1:\d+\nhttp-proxy 127\.0\.0\.1:\d+\n$/,
      },
    ],
    [
      {
        command:
          'runlet forward --address "$SERVER" --session "$SESSION" --json "$FOLDER/db:/run/db.sock"',
        does: 'Have a socket of the file system lead to one there',
        code: null,
        prints: /^\{"kind":"forward","listen":".*\/db","target":"\/run\/db\.sock"\}\n$/,
      },
      {
        command: 'runlet forward --process "$RUNNING" --reconnect-for 1m 0:localhost:8080',
        does: 'Reach what listens in the network of a process',
        code: null,
        prints: /^forward 127\.0\.0\.1:\d+ -> localhost:8080\n$/,
      },
      {
        ...secureExample('forward', '0:localhost:80', /^forward .* -> localhost:80\n$/),
        code: null,
      },
    ],
  );
}

async function forward(
  specs: readonly ForwardSpec[] | undefined,
  flags: ForwardFlags,
): Promise<void> {
  const wanted = specs ?? [];
  const { httpProxy, json, reconnectFor, socks } = flags;
  const reversed = reversedSpecs(wanted, flags);
  await abortedBySignals((signal) =>
    withServer(flags, async (client, address) => {
      const process =
        flags.process === undefined
          ? undefined
          : await unlessAborted(findProcess(client, address, flags, flags.process), signal);
      const named = process?.session.id ?? flags.session;
      const options = { named, reconnectMs: reconnectFor * 1000, signal };
      await withNetworkSession(client, address, options, async (network) => {
        const forwards = openForwards({
          network,
          againMs: reconnectFor * 1000,
          processId: process?.processId,
          specs: flags.reverse === true ? [] : wanted,
          reversed,
          socks,
          httpProxy,
        });
        try {
          for (const line of await forwards.opened) {
            await (json === true ? printJson(line) : printLine(lineText(line)));
          }
          await Promise.race([
            forwards.failed,
            network.over.then((why) => {
              throw why;
            }),
            aborted(signal),
          ]);
        } finally {
          forwards.close();
        }
      });
    }),
  );
}

/** Those that the server listens for. */
function reversedSpecs(
  specs: readonly ForwardSpec[],
  { httpProxy, process, reverse, socks }: ForwardFlags,
): readonly ForwardSpec<PortPlace>[] {
  const proxies = socks !== undefined || httpProxy !== undefined;
  if (specs.length === 0 && !proxies) throw new UsageError('nothing to forward is named');
  if (reverse !== true) return [];
  if (proxies) throw new UsageError('--reverse cannot be used with --socks and --http-proxy');
  if (process !== undefined) throw new UsageError('--reverse cannot be used with --process');
  return specs.map(({ listen, target }) => {
    if (listen.kind === 'path') throw new UsageError('--reverse listens at ports alone');
    if (target.kind === 'path' && !isSocketPath(target.path)) throw new UsageError(LONG_PATH);
    return { listen, target };
  });
}

function lineText({ kind, listen, target }: ForwardLine): string {
  return target === undefined ? `${kind} ${listen}` : `${kind} ${listen} -> ${target}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
