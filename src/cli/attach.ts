import { isatty } from 'node:tty';
import { Command } from 'commander';
import type { ProcessExit, ProcessInfo, RemoteProcess, RunletClient } from '../client/index.ts';
import { nonEmpty } from './arguments.ts';
import { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from './detach-keys.ts';
import { sayWhyEnded } from './end-notice.ts';
import { lineSink, outputSink } from './event-sink.ts';
import { addExamples } from './examples.ts';
import { processExitCode, signalExitCode } from './exit-codes.ts';
import { findProcess, openProcess, type ProcessFlags } from './find-process.ts';
import { rememberProcess } from './last-process.ts';
import { enterRawMode, findOwnTerminal } from './own-terminal.ts';
import { say, sayAsIs } from './print.ts';
import { RECONNECT_SECONDS } from './reconnect.ts';
import { passSizes } from './remote-run.ts';
import { replayAndFollow } from './replay.ts';
import { secureExample } from './secure-example.ts';
import {
  addServerOptions,
  ownServeAddress,
  reconnectOption,
  type ServerFlags,
  withServer,
} from './server-connection.ts';
import { feedStandardInput } from './standard-input.ts';
import { standardOutput } from './standard-output.ts';
import { wasIgnored } from './started-with.ts';
import { CTRL_C } from './terminal-keys.ts';
import { type TerminalPlace, TerminalView } from './terminal-view.ts';

/** Bytes of earlier output that are shown at first. */
const REPLAY_BYTES = 1024 * 1024;

/** Bytes that can be typed to a process that does not read before the keys that detach are not seen. */
const TYPED_AHEAD_BYTES = 8 * 1024 * 1024;

/** Signals that end us, and not the process. */
const LEAVING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

interface AttachFlags extends ServerFlags, ProcessFlags {
  readonly detachKeys: Buffer;
  readonly stdin: boolean;
  readonly readOnly?: boolean;
  readonly json?: boolean;
}

/** Why we left a process that goes on; undefined: by its keys. */
type Leave = (signal?: (typeof LEAVING)[number]) => void;

/** `runlet attach` */
export function attachCommand(): Command {
  const command = addServerOptions(new Command('attach'))
    .option('--session <id>', 'the session of the process (default: the last one)', nonEmpty)
    .option(
      '--detach-keys <keys>',
      'keys on a terminal that leave the process alone and end this command; none: an empty text',
      parseDetachKeys,
      parseDetachKeys(DEFAULT_DETACH_KEYS),
    )
    .option('--no-stdin', 'type nothing to it')
    .option('--read-only', 'watch it beside whoever is attached, and type nothing; Ctrl-C leaves')
    .addOption(reconnectOption(RECONNECT_SECONDS))
    .option('--json', 'print its events as lines of JSON instead of its output')
    .argument('[process]', 'its id or the beginning of it (default: the last one)', nonEmpty)
    .action(attach);
  for (const option of command.options) {
    if (option.long === '--detach-keys') option.defaultValueDescription = DEFAULT_DETACH_KEYS;
  }
  return addExamples(
    command,
    [
      { command: 'runlet attach', does: 'Join the last process', prints: /^building\n$/ },
      {
        command: 'runlet attach --no-stdin build',
        does: 'Join a process, to look at it',
        prints: /^building\n$/,
      },
      {
        command: 'runlet attach --read-only build',
        does: 'Watch what another one does',
        prints: /^building\n$/,
      },
    ],
    [
      {
        command:
          'runlet attach --address "$SERVER" --session "$SESSION" --detach-keys ctrl-a,d --reconnect-for 1m --json build',
        does: 'Join a process of a session, print events, and leave by other keys',
        prints: /^\{"seq":1,.*"kind":"started"/,
      },
      secureExample('attach', 'build', /^building\n$/),
    ],
  );
}

async function attach(name: string | undefined, flags: AttachFlags): Promise<void> {
  await withServer(flags, async (client, address) => {
    const found = await findProcess(client, address, flags, name);
    const { processId } = found;
    const sessionId = found.session.id;
    found.session.detach();
    let leftBy: string | undefined;
    const left = new AbortController();
    const leave: Leave = (signal) => {
      leftBy = signal ?? 'keys';
      left.abort();
    };
    try {
      const exit = await follow(client, { sessionId, processId }, flags, leave, left.signal);
      await rememberProcess(address, { session: sessionId, process: processId });
      sayWhyEnded(exit);
      process.exitCode = processExitCode(exit);
    } catch (error) {
      if (!left.signal.aborted) throw error;
      await rememberProcess(address, { session: sessionId, process: processId });
      const where = address === ownServeAddress() ? '' : ` --address ${address}`;
      say(`left; come back with: runlet attach${where} --session ${sessionId} ${processId}`);
      process.exitCode = leftBy === 'keys' ? 0 : signalExitCode(leftBy as NodeJS.Signals);
    }
  });
}

/** Follows a process to its end. Rejects when it is left before. */
async function follow(
  client: RunletClient,
  ids: { readonly sessionId: string; readonly processId: string },
  flags: AttachFlags,
  leave: Leave,
  left: AbortSignal,
): Promise<ProcessExit> {
  const ifAttached = flags.readOnly === true ? 'share' : 'take-over';
  const session = await client.session({ id: ids.sessionId, ifAttached });
  const remote = await openProcess({ session, processId: ids.processId });
  const info = await remote.info();
  // Until here they end us as they do by default, and so does a second one, where what is shown
  // is not taken.
  for (const signal of LEAVING) {
    if (!wasIgnored(signal)) process.once(signal, () => leave(signal));
  }
  const join = info.hasTerminal ? joinTerminal : joinPipes;
  const view = flags.json === true ? undefined : await terminalView(remote, info);
  const part = join(remote, info, flags, leave, view);
  const sink = flags.json === true ? lineSink() : outputSink();
  const show = view === undefined ? sink : view.over(sink);
  // Whoever leaves does not wait for what nobody takes.
  const leaving = rejectedWhen(left);
  let exit: ProcessExit | undefined;
  try {
    for await (const event of replayAndFollow(remote, info.lastSeq, REPLAY_BYTES, left)) {
      await Promise.race([show(event), leaving]);
      if (event.kind === 'exited') exit = event;
      // What it left in the background may hold its terminal for ever, and nobody types to it.
      if (event.kind === 'exited' && info.hasTerminal) break;
    }
  } finally {
    await part(exit !== undefined);
  }
  if (exit === undefined) throw new Error('the process was closed without an exit');
  return exit;
}

/** Rejects when a signal aborts. */
function rejectedWhen(signal: AbortSignal): Promise<never> {
  const rejected = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  rejected.catch(() => {});
  return rejected;
}

/** Parts us from a process, which has ended or not. */
type Part = (ended: boolean) => Promise<void>;

/** Joins our terminal to that of a process. Returns how to part them. */
function joinTerminal(
  remote: RemoteProcess,
  info: ProcessInfo,
  flags: AttachFlags,
  leave: Leave,
  view: TerminalView | undefined,
): Part {
  const restore = async (): Promise<void> => view?.leave();
  // Its size is that of whoever types.
  if (info.exit !== undefined || flags.readOnly === true) return restore;
  const own = findOwnTerminal();
  if (own !== undefined) void passSizes(own, remote);
  if (!flags.stdin) return restore;
  const leaveRawMode = enterRawMode();
  const keys = new DetachKeys(flags.detachKeys);
  const filter = (data: Buffer): Buffer | undefined => {
    const passed = keys.take(data);
    if (passed === undefined) leave();
    else if (view !== undefined && passed.includes(CTRL_C)) void view.skip();
    return passed;
  };
  // Its end is ours alone: Ctrl-D, which it would be, ends a shell.
  void feedStandardInput(remote.stdin, { filter, end: false, aheadBytes: TYPED_AHEAD_BYTES });
  return async (ended) => {
    await restore();
    leaveRawMode();
    // A process that goes on left the cursor anywhere, and something will be said.
    if (!ended && isatty(2)) sayAsIs('\n');
  };
}

/** How its terminal is shown on ours; undefined: it has none, or our output is none. */
async function terminalView(
  remote: RemoteProcess,
  info: ProcessInfo,
): Promise<TerminalView | undefined> {
  const own = info.hasTerminal && isatty(1) ? findOwnTerminal() : undefined;
  if (own === undefined) return undefined;
  // Large, and needed here alone.
  const { followTerminal } = await import('./terminal-state.ts');
  const state = followTerminal(own.size());
  void (async () => {
    for await (const size of own.sizes()) state.resize(size);
  })();
  const placeOf = ({ lastSeq, terminal }: ProcessInfo): TerminalPlace => ({
    lastSeq,
    terminal,
  });
  return new TerminalView({
    state,
    output: standardOutput(1),
    ownSize: () => own.size(),
    place: placeOf(info),
    // If it cannot be asked, whoever reads its output is told why.
    locate: () => remote.info().then(placeOf, () => undefined),
  });
}

/** Joins our standard input to that of a process. */
function joinPipes(remote: RemoteProcess, info: ProcessInfo, flags: AttachFlags): Part {
  if (info.exit === undefined && flags.stdin && flags.readOnly !== true)
    void feedStandardInput(remote.stdin);
  return async () => {};
}
