import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MAIN } from '../support/cli.ts';
import { connectTo } from '../support/client.ts';
import { serveHere, temporaryFolder } from '../support/harness.ts';
import { waitForFile } from '../support/wait-for-file.ts';

/** An interactive shell on a terminal, in a folder of its own. */
async function startShell(): Promise<{
  readonly folder: string;
  readonly type: (text: string) => void;
  /** Resolves when this is shown, after what was waited for before. */
  readonly shows: (text: string) => Promise<string>;
}> {
  const folder = await temporaryFolder();
  const session = await connectTo((await serveHere()).address).session();
  const shell = await session.start({
    argv: ['bash', '--norc', '--noprofile', '-i'],
    cwd: folder,
    env: { PS1: '> ', RUN: `${process.execPath} ${MAIN} run --`, TMPDIR: '/tmp' },
    envPolicy: { inherit: 'core' },
    terminal: { columns: 200, rows: 50 },
  });
  onTestFinished(async () => {
    await shell.terminate({ graceMs: 0 });
    await session.close();
  });
  const output = shell.terminal[Symbol.asyncIterator]();
  let shown = '';
  return {
    folder,
    type: (text) => void shell.stdin.write(text),
    async shows(text) {
      for (;;) {
        const at = shown.indexOf(text);
        if (at >= 0) {
          const until = shown.slice(0, at + text.length);
          shown = shown.slice(at + text.length);
          return until;
        }
        const { done, value } = await output.next();
        if (done) throw new Error(`${text} is not shown, but ${JSON.stringify(shown)}`);
        shown += Buffer.from(value as Uint8Array).toString();
      }
    },
  };
}

/** The state of a process, as proc_pid_stat(5) has it. */
async function stateOf(pid: string): Promise<string | undefined> {
  return (await readFile(`/proc/${pid}/stat`, 'latin1')).split(') ')[1]?.[0];
}

/** Runs until there is a file `go`; its number is in the file `pid`. */
const PROGRAM = `sh -c 'echo $$ > p; mv p pid; until [ -e go ]; do sleep 0.05; done; echo fin""ished'`;

describe('runlet run in a shell', () => {
  it('goes on in the background while others type, and reads nothing', async () => {
    const { folder, shows, type } = await startShell();
    type(`$RUN ${PROGRAM} &\n`);
    await waitForFile(join(folder, 'pid'));
    for (let i = 0; i < 20; i++) {
      type(`echo ty""ped-${i}\n`);
      await shows(`typed-${i}\r\n`);
    }
    type('jobs; echo en""d\n');
    expect(await shows('end\r\n')).toMatch(/\[1\]\+\s+Running/);
    type('touch go; wait; echo bo""th\n');
    expect(await shows('both\r\n')).toContain('finished\r\n');
  });

  it('reads when it is taken to the foreground, though nothing stopped it', async () => {
    const { folder, shows, type } = await startShell();
    type(`$RUN sh -c 'touch ready; cat' &\n`);
    await waitForFile(join(folder, 'ready'));
    type('fg\n');
    // The shell says what it takes there: what is typed before that is not echoed.
    await shows("cat'\r\n");
    type('hello\n');
    // What the terminal echoes, and what the program has read.
    await shows('hello\r\n');
    await shows('hello\r\n');
    type('\x04');
    type('echo en""d\n');
    await shows('end\r\n');
  });

  it('is stopped by Ctrl-Z with its program, and goes on with it', async () => {
    const { folder, shows, type } = await startShell();
    type(`$RUN ${PROGRAM}\n`);
    await waitForFile(join(folder, 'pid'));
    const pid = (await readFile(join(folder, 'pid'), 'utf8')).trim();
    type('\x1a');
    await shows('Stopped');
    // What the system is doing for it is finished before. A shell that was stopped between vfork(2)
    // and the execution of what it starts waits for that, which is stopped.
    await expect.poll(() => stateOf(pid)).toMatch(/^[DT]$/);
    type('touch go; bg\n');
    await shows('finished\r\n');
  });

  it('ends a loop by Ctrl-C', async () => {
    const { folder, shows, type } = await startShell();
    type(`for i in 1 2; do echo rou""nd-$i; $RUN ${PROGRAM}; done; echo al""l\n`);
    await shows('round-1\r\n');
    await waitForFile(join(folder, 'pid'));
    type('\x03');
    // Until then what is typed is the program's.
    const before = await shows('> ');
    type('echo en""d\n');
    const shown = before + (await shows('end\r\n'));
    expect(shown).not.toContain('round-2');
  });
});
