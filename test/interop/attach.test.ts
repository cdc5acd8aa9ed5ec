import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { serve } from '../support/served.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { missingTmux, openTerminal, type TmuxTerminal } from './tmux.ts';

const missing = await missingTmux();
if (missing !== undefined) process.stderr.write(`skipped: ${missing}\n`);

/** Its prompt is `inner>`. What it is told to show is not what is typed: `$((1 + 1))` shows 2. */
const BASH = "--env 'PS1=inner> ' -- bash --norc --noprofile";

/** What a shell does until its terminal has a size. */
const UNTIL_SIZE = (size: string): string =>
  `until [ "$(stty size)" = '${size}' ]; do sleep 0.1; done`;

/** A terminal on which runlet uses a server, with what it remembers of this user. */
async function terminalAt(address: string, state: string): Promise<TmuxTerminal> {
  const terminal = await openTerminal();
  await terminal.enter(`export RUNLET_ADDRESS=${address} XDG_STATE_HOME=${state}; clear`);
  await terminal.showing(/^outer> ?\n/);
  return terminal;
}

/** Leaves a process; what is remembered of it is written by then, into a folder that goes with the test. */
async function leave(terminal: TmuxTerminal): Promise<void> {
  await terminal.press('C-p', 'C-q');
  await terminal.showing(/left; come back/);
}

describe.skipIf(missing !== undefined)('runlet attach on a real terminal', () => {
  it('comes back from another terminal to the shell and its screen when the first is gone', async () => {
    const served = await serve();
    const address = formatAddress(served.address);
    const state = address.slice('unix:'.length, -'/runlet.sock'.length);
    const first = await terminalAt(address, state);
    await first.enter(`runlet start -t ${BASH}`);
    await first.showing(/^process {2}[0-9a-f]{8}$/m);
    await first.enter('runlet attach');
    await first.showing(/^inner>/m);
    await first.enter('value=kept; echo one-$((1 + 1))');
    await first.showing(/^one-2$/m);
    await first.type('echo $value-$((2 + ');
    // The shell echoes it, so it has come to it.
    await first.showing(/^inner> echo \$value-\$\(\(2 \+ ?$/m);
    await first.close();

    const second = await terminalAt(address, state);
    await second.enter('runlet attach');
    await second.showing(/^one-2\ninner> echo \$value-\$\(\(2 \+ ?$/m);
    await second.enter('3))');
    await second.showing(/^kept-5$/m);
    await second.enter('tty; stty size; exit 7');
    await second.showing(/^\/dev\/pts\/\d+\n30 100\nexit\nouter>/m);
    await second.enter('echo "code=$?"');
    await second.showing(/^code=7$/m);
  });

  it('leaves by its keys, says how to come back, and the terminal is as it was', async () => {
    const served = await serve();
    const address = formatAddress(served.address);
    const state = address.slice('unix:'.length, -'/runlet.sock'.length);
    const terminal = await terminalAt(address, state);
    await terminal.enter(`runlet start -t --id shell ${BASH}; before=$(stty -g); runlet attach`);
    await terminal.showing(/^inner>/m);
    // The first of the keys alone is typed once another follows: here it brings back the last line.
    await terminal.enter('echo one-$((1 + 1))');
    await terminal.showing(/^one-2$/m);
    await terminal.press('C-p', 'C-a');
    await terminal.enter('true; ');
    await terminal.showing(/^inner> true; echo one-\$\(\(1 \+ 1\)\)\none-2$/m);
    await terminal.press('C-p', 'C-q');
    const screen = await terminal.showing(/runlet: left; come back with: runlet attach --address/);
    expect(screen.replaceAll('\n', '')).toMatch(
      new RegExp(`runlet attach --address ${address} --session [0-9a-f-]{36} shell`),
    );
    await terminal.enter('clear; [ "$(stty -g)" = "$before" ] && echo sane-$((1 + 1))');
    await terminal.showing(/^(?:outer> )?sane-2$/m);
    await terminal.enter('runlet ps');
    await terminal.showing(
      /^shell +[0-9a-f]{8} +\d+ +running +\d+ s ago +bash --norc --noprofile$/m,
    );
    await terminal.enter('runlet attach --detach-keys ctrl-x');
    await terminal.showing(/^one-2\ninner> ?$/m);
    await terminal.press('C-x');
    await terminal.showing(/left; come back/);
  });

  it('says that the connection broke and that it is back, and goes on', async () => {
    const served = await serve();
    const proxy = await startProxy(served.address);
    const address = formatAddress(served.address);
    const state = address.slice('unix:'.length, -'/runlet.sock'.length);
    const terminal = await terminalAt(formatAddress(proxy.address), state);
    await terminal.enter(`runlet start -t ${BASH} && runlet attach`);
    await terminal.showing(/^inner>/m);
    proxy.admit(false);
    proxy.cut();
    await terminal.showing(/^runlet: the connection broke; trying to come back for 300 s$/m);
    await terminal.enter('echo typed-$((1 + 1))');
    proxy.admit(true);
    await terminal.showing(/^runlet: connected again$/m);
    await terminal.showing(/^typed-2$/m);
    await leave(terminal);
  });

  it('gives the process the size of the terminal it came from, and each new one', async () => {
    const served = await serve();
    const address = formatAddress(served.address);
    const state = address.slice('unix:'.length, -'/runlet.sock'.length);
    const terminal = await terminalAt(address, state);
    await terminal.enter(`runlet start -t ${BASH}`);
    await terminal.showing(/^process/m);
    await terminal.resize(90, 20);
    await terminal.enter(`${UNTIL_SIZE('20 90')}; runlet attach`);
    await terminal.showing(/^inner>/m);
    await terminal.enter(`${UNTIL_SIZE('20 90')}; echo first-$((1 + 1))`);
    await terminal.showing(/^first-2$/m);
    await terminal.resize(80, 25);
    // It may be read before the new size is known.
    await terminal.enter(`${UNTIL_SIZE('25 80')}; echo second-$((1 + 1))`);
    await terminal.showing(/^second-2$/m);
    await leave(terminal);
  });

  it('interrupts with Ctrl-C what runs in the foreground, and goes on', async () => {
    const served = await serve();
    const address = formatAddress(served.address);
    const state = address.slice('unix:'.length, -'/runlet.sock'.length);
    const terminal = await terminalAt(address, state);
    await terminal.enter(`runlet start -t ${BASH} && runlet attach`);
    await terminal.showing(/^inner>/m);
    await terminal.enter("sh -c 'echo ready-$((1 + 1)); exec sleep 1000'");
    await terminal.showing(/^ready-2$/m);
    await terminal.press('C-c');
    // What is typed before its prompt would be shown twice.
    await terminal.showing(/^\^C\ninner>/m);
    await terminal.enter('echo "interrupted=$?"');
    await terminal.showing(/^interrupted=130$/m);
    await leave(terminal);
  });

  it('goes back to where it was when another one takes over', async () => {
    const served = await serve();
    const address = formatAddress(served.address);
    const state = address.slice('unix:'.length, -'/runlet.sock'.length);
    const first = await terminalAt(address, state);
    await first.enter(`runlet start -t ${BASH} && runlet attach; echo "code=$?"`);
    await first.showing(/^inner>/m);
    const second = await terminalAt(address, state);
    await second.enter('runlet attach');
    await second.showing(/^inner>/m);
    const screen = await first.showing(/^code=123$/m);
    expect(screen.replaceAll('\n', '')).toContain('took over the session (superseded)code=123');
    await leave(second);
  });
});
