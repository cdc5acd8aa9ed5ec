import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { isAlive } from '../support/pids.ts';
import { serve } from '../support/served.ts';
import { missingTmux, openTerminal, type TmuxTerminal } from './tmux.ts';

const missing = await missingTmux();
if (missing !== undefined) process.stderr.write(`skipped: ${missing}\n`);

/** Its prompt is `inner>`. What it is told to show is not what is typed: `$((1 + 1))` shows 2. */
const BASH = 'env PS1="inner> " bash --norc --noprofile';

/** Runs an interactive shell; the exit code shows as `code=` in the end. */
async function startBash(terminal: TmuxTerminal, flags = ''): Promise<void> {
  await terminal.enter(`before=$(stty -g); runlet run -t ${flags} -- ${BASH}; echo "code=$?"`);
  await terminal.showing(/^inner>/m);
}

/** The outer shell's terminal is as it was before. */
async function expectSane(terminal: TmuxTerminal): Promise<void> {
  await terminal.enter('[ "$(stty -g)" = "$before" ] && echo sane-$((1 + 1))');
  await terminal.showing(/^(?:outer> )?sane-2$/m);
}

describe.skipIf(missing !== undefined)('runlet run -t on a real terminal', () => {
  it('gives an interactive shell, whose exit code it has, and leaves the terminal as it was', async () => {
    const terminal = await openTerminal();
    await startBash(terminal);
    await terminal.enter('tty; echo "term=$TERM size=$(stty size)"');
    await terminal.showing(/^\/dev\/pts\/\d+\nterm=(?:screen|tmux)\S* size=30 100$/m);
    await terminal.enter('exit 7');
    await terminal.showing(/^code=7$/m);
    await expectSane(terminal);
  });

  it('lets a line be edited as it is typed', async () => {
    const terminal = await openTerminal();
    await startBash(terminal);
    await terminal.type('ho $((20 + 2))0');
    await terminal.press('BSpace', 'C-a');
    await terminal.type('ec');
    await terminal.press('Enter');
    await terminal.showing(/^inner> echo \$\(\(20 \+ 2\)\)\n22$/m);
  });

  it('interrupts with Ctrl-C what runs in the foreground, and the shell goes on', async () => {
    const terminal = await openTerminal();
    await startBash(terminal);
    await terminal.enter("sh -c 'echo ready-$((1 + 1)); exec sleep 1000'");
    await terminal.showing(/^ready-2$/m);
    await terminal.press('C-c');
    // What is typed before its prompt would be shown twice.
    await terminal.showing(/^\^C\ninner>/m);
    await terminal.enter('echo "interrupted=$?"');
    await terminal.showing(/^interrupted=130$/m);
  });

  it('passes a new size on', async () => {
    const terminal = await openTerminal();
    await startBash(terminal);
    const script = 'trap "stty size" WINCH; echo ready-$((1 + 1)); while :; do sleep 0.01; done';
    await terminal.enter(`sh -c '${script}'`);
    await terminal.showing(/^ready-2$/m);
    await terminal.resize(90, 20);
    await terminal.showing(/^20 90$/m);
    await terminal.resize(80, 25);
    await terminal.showing(/^25 80$/m);
  });

  it('shows output as the process laid it out', async () => {
    const terminal = await openTerminal();
    await terminal.enter(`runlet run -t -- sh -c 'stty -onlcr; printf "one\\ntwo\\r\\n"'`);
    // A line feed alone goes down and stays in its column.
    await terminal.showing(/^one\n {3}two$/m);
  });

  it('is not kept by what the shell left in the background', async () => {
    const terminal = await openTerminal();
    await startBash(terminal);
    await terminal.enter('sleep 1000 & exit 3');
    await terminal.showing(/^code=3$/m);
    await expectSane(terminal);
  });

  it('takes the terminal back when it was stopped and goes on', async () => {
    const terminal = await openTerminal();
    await terminal.enter('set -m');
    await terminal.enter(`runlet run -t -- ${BASH}`);
    await terminal.showing(/^inner>/m);
    await terminal.enter('kill -STOP $PPID');
    await terminal.showing(/Stopped/);
    // The shell has to make it usable: until then Enter ends no line, and Ctrl-J does.
    await terminal.type('stty sane; fg');
    await terminal.press('C-j');
    // Said by fg; what is typed before may be read by the shell that runs it. It may go over
    // the right edge of the screen: the prompt is where the message before it ended.
    const said = [...'outer> runlet run'].join('\n?');
    await terminal.showing(new RegExp(`runlet run.*${said}`, 's'));
    await terminal.enter("sh -c 'echo ready-$((1 + 1)); exec sleep 1000'");
    await terminal.showing(/^ready-2$/m);
    await terminal.press('C-c');
    // What is typed before its prompt would be shown twice.
    await terminal.showing(/^\^C\ninner>/m);
    await terminal.enter('echo "interrupted=$?"');
    await terminal.showing(/^interrupted=130$/m);
  });

  it('uses a server that is there', async () => {
    const served = await serve();
    const terminal = await openTerminal();
    await startBash(terminal, `--address ${formatAddress(served.address)}`);
    await terminal.enter('echo "parent=$PPID"; exit 7');
    expect(await terminal.showing(/^code=7$/m)).toContain(`parent=${served.child.pid}\n`);
    await expectSane(terminal);
  });

  it('leaves the terminal as it was when the server goes away', async () => {
    const served = await serve();
    const terminal = await openTerminal();
    await startBash(terminal, `--address ${formatAddress(served.address)} --reconnect-for 0.5`);
    const exited = once(served.child, 'exit');
    served.child.kill('SIGKILL');
    await exited;
    await terminal.showing(/^(?:inner> )?runlet: session [^)]*\(window-passed\)\ncode=125$/m);
    await expectSane(terminal);
  });

  it('ends with its terminal, and takes along a process that writes on', async () => {
    const terminal = await openTerminal();
    const script = 'trap "" HUP; while :; do echo "pids=$$ $PPID"; sleep 0.01; done';
    await terminal.enter(`runlet run -t -- sh -c '${script}'`);
    const screen = await terminal.showing(/^pids=\d+ \d+$/m);
    const [, ...pids] = /^pids=(\d+) (\d+)$/m.exec(screen) ?? [];
    await terminal.close();
    const alive = (): readonly string[] => pids.filter((pid) => isAlive(Number(pid)));
    await expect.poll(alive).toEqual([]);
  });
});
