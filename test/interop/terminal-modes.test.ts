import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { connect, type RemoteProcess } from '../../src/client/index.ts';
import { type Served, serve } from '../support/served.ts';
import { missingTmux, openTerminal, type TmuxTerminal } from './tmux.ts';

const missing = await missingTmux();
if (missing !== undefined) process.stderr.write(`skipped: ${missing}\n`);

/** What a full-screen program sets. */
const FULL_SCREEN =
  "printf '\\033[?1049h\\033[?1h\\033=\\033[?1002;1006h\\033[?2004h\\033[?25l\\033[?7l'";

/** Much that sets nothing, more than is retained. */
const MUCH = 'head -c 3000000 /dev/zero | tr "\\0" x';

/** A terminal, and a server on which a process has set modes long ago; it is attached to. */
async function joined(): Promise<{
  readonly served: Served;
  readonly terminal: TmuxTerminal;
  readonly full: RemoteProcess;
  readonly state: string;
  /** The `attach` that is on the terminal, a child of its shell. */
  pid(): Promise<number>;
}> {
  const served = await serve();
  const address = formatAddress(served.address);
  const state = address.slice('unix:'.length, -'/runlet.sock'.length);
  const client = await connect(address);
  onTestFinished(() => client.close());
  const session = await client.session({ ifAttached: 'share', detachedTtlMs: 600_000 });
  const full = await session.start({
    argv: [
      'sh',
      '-c',
      `${FULL_SCREEN}; ${MUCH}; printf '\\033[2J\\033[Hfull-screen'; exec sleep 1000`,
    ],
    terminal: {},
    retainedBytes: 64 * 1024,
  });
  for await (const event of full.events()) {
    if (event.kind === 'output' && event.data.includes('full-screen')) break;
  }
  const terminal = await openTerminal();
  await terminal.enter(`export RUNLET_ADDRESS=${address} XDG_STATE_HOME=${state}; clear`);
  await terminal.showing(/^outer> ?\n/);
  const attach = `runlet attach --reconnect-for 0.5 --session ${session.id} ${full.id}`;
  await terminal.enter(`sh -c 'echo $$ > ${state}/pid; exec ${attach}'; echo "code=$?"`);
  await terminal.showing(/^full-screen$/m);
  const pid = async (): Promise<number> => Number(await readFile(`${state}/pid`, 'utf8'));
  return { served, terminal, full, state, pid };
}

/** How a terminal is that nobody has set, and how the program above sets it. */
const UNSET = 'screen=0 keys=0 keypad=0 mouse=0 sgr=0 cursor=1 wrap=1';
const SET = 'screen=1 keys=1 keypad=1 mouse=1 sgr=1 cursor=0 wrap=0';

describe.skipIf(missing !== undefined)('the modes of a real terminal', () => {
  type Joined = Awaited<ReturnType<typeof joined>>;
  const ways: readonly (readonly [string, RegExp, (it: Joined) => Promise<unknown>])[] = [
    ['by its keys', /^code=0$/m, ({ terminal }) => terminal.press('C-p', 'C-q')],
    ['by SIGTERM', /^code=143$/m, async ({ pid }) => process.kill(await pid(), 'SIGTERM')],
    ['by SIGHUP', /^code=129$/m, async ({ pid }) => process.kill(await pid(), 'SIGHUP')],
    ['as its process is killed', /^code=137$/m, ({ full }) => full.kill('SIGKILL')],
    [
      'as its server dies',
      /^code=125$/m,
      async ({ served: { child } }) => {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      },
    ],
  ];
  it.each(ways)(
    'are those in force at the process that it is attached to, and as before when it is left %s',
    async (_, code, leave) => {
      const all = await joined();
      const { terminal } = all;
      await expect.poll(() => terminal.modes()).toBe(SET);
      await leave(all);
      await terminal.showing(code);
      await expect.poll(() => terminal.modes()).toBe(UNSET);
    },
  );

  it('are as before when a process of `run` ends that had set them', async () => {
    const terminal = await openTerminal();
    await terminal.enter(
      `runlet run -t -- sh -c '${FULL_SCREEN.replaceAll("'", '"')}; sleep 1000'`,
    );
    await expect.poll(() => terminal.modes()).toBe(SET);
    await terminal.press('C-c');
    await terminal.showing(/^outer>/m);
    await expect.poll(() => terminal.modes()).toBe(UNSET);
  });
});
