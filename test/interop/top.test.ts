import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { cliUser } from '../support/cli-user.ts';
import { connectTo } from '../support/client.ts';
import { serve } from '../support/served.ts';
import { missingTmux, openTerminal, type TmuxTerminal } from './tmux.ts';

const missing = await missingTmux();
if (missing !== undefined) process.stderr.write(`skipped: ${missing}\n`);

/** As many as an operator may have to look at. */
const MANY = 200;

/** A server with some processes, a user of it, and a terminal on which that is watched. */
async function watched(count: number, flags = '') {
  const { address, child } = await serve();
  const session = await connectTo(address).session();
  const processes = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      session.start(
        { argv: ['/bin/sleep', '1000'], envPolicy: { inherit: 'core' } },
        { id: `p${String(i).padStart(3, '0')}` },
      ),
    ),
  );
  const user = await cliUser(address);
  const terminal = await openTerminal();
  await terminal.enter('set -m');
  await terminal.enter(
    `before=$(stty -g); runlet top --address ${formatAddress(address)} ${flags}; echo "code=$?"`,
  );
  return { processes, server: child, terminal, user };
}

/** The shell's terminal is as it was before. */
async function expectSane(terminal: TmuxTerminal): Promise<void> {
  await terminal.enter('[ "$(stty -g)" = "$before" ] && echo sane-$((1 + 1))');
  await terminal.showing(/^(?:outer> )?sane-2$/m);
  expect(await terminal.modes()).toMatch(/^screen=0 .* cursor=1 wrap=1$/);
}

describe.skipIf(missing !== undefined)('runlet top on a real terminal', () => {
  it(`shows the end of one of ${MANY} processes`, async () => {
    const { processes, terminal } = await watched(MANY);
    // The one that is shown first is the first that was started, since none of them does anything.
    const screen = await terminal.showing(
      / processes: 200 running,[\s\S]*^1-\d+ of 200 processes by cpu/m,
    );
    expect(screen).toMatch(/^PROCESS +SESSION +STATE +CPU% /m);
    expect(await terminal.modes()).toMatch(/^screen=1 .* cursor=0 wrap=0$/);
    const shown = /^(p\d\d\d) /m.exec(screen)?.[1];
    await processes[Number(shown?.slice(1))]?.kill('SIGKILL');
    const after = await terminal.showing(/ processes: 199 running,/);
    expect(after).not.toContain(`\n${shown} `);
    expect(after).toMatch(/^1-\d+ of 199 processes by cpu/m);
    await terminal.press('e');
    await terminal.showing(/^1-\d+ of 200 processes by cpu/m);
    await terminal.press('q');
    await terminal.showing(/^(?:outer> )?code=0$/m);
    await expectSane(terminal);
  });

  it('sorts, moves, changes what it shows, and fits into the terminal as that changes', async () => {
    const { processes, terminal, user } = await watched(40);
    await terminal.showing(/^1-24 of 40 processes by cpu/m);
    await terminal.press('NPage');
    await terminal.showing(/^17-40 of 40 processes by cpu/m);
    await terminal.press('a');
    await terminal.showing(/^1-24 of 40 processes by age/m);
    await user.start('--id', 'loud', '--', 'sh', '-c', 'while :; do echo loud; sleep 0.05; done');
    await terminal.press('o');
    await terminal.showing(/^PROCESS .*\nloud .*/m);
    await terminal.press('s');
    await terminal.showing(/^SESSION +RUNNING .*\n[0-9a-f-]{36} +1 [\s\S]*^2 sessions {3}q quit/m);
    await terminal.press('s');
    await terminal.resize(70, 12);
    await terminal.showing(
      /^PROCESS +CPU% +MEMORY +OUTPUT\/S +AGE +PROGRAM\s*\nloud [\s\S]*^1-6 of 41 /m,
    );
    await terminal.resize(120, 50);
    await terminal.showing(/^41 processes by output {3}q quit/m);
    expect(processes).toHaveLength(40);
    await terminal.press('C-c');
    // A shell does not go on with what follows something that died of this.
    const left = await terminal.showing(/runlet top --address .*\n\s*outer>/);
    expect(left).not.toContain('p000');
    await expectSane(terminal);
  });

  it('gives the terminal back while it is stopped, and takes it again', async () => {
    const { terminal } = await watched(2);
    await terminal.showing(/^2 processes by cpu/m);
    await terminal.press('C-z');
    await terminal.showing(/Stopped/);
    expect(await terminal.modes()).toMatch(/^screen=0 .* cursor=1 wrap=1$/);
    await terminal.enter('fg');
    await terminal.showing(/^2 processes by cpu/m);
    await terminal.press('m');
    await terminal.showing(/^2 processes by memory/m);
    await terminal.press('q');
    // What followed it was done when it was stopped.
    await terminal.showing(/^runlet top --address .*\nouter>/m);
    await expectSane(terminal);
  });

  it('says that the server is away, and gives up in the end', async () => {
    const { server, terminal } = await watched(2, '--reconnect-for 2');
    await terminal.showing(/^2 processes by cpu/m);
    server.kill('SIGKILL');
    await terminal.showing(/the connection broke; trying to come back/);
    await terminal.showing(/^(?:outer> )?runlet: no server answers at [\s\S]*^code=125$/m);
    await expectSane(terminal);
  });

  it('says where it was asked that it is refused', async () => {
    const { terminal } = await watched(0, '--all');
    await terminal.showing(
      /^(?:outer> )?runlet: it is not granted: the caller lacks the grant admin[\s\S]*^code=125$/m,
    );
    await expectSane(terminal);
  });
});
