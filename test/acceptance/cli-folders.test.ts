import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CliResult, MAIN, resultOf, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/harness.ts';

/** Runs a script of the shell in which `$RUNLET` is the built program. */
function shell(script: string): Promise<CliResult> {
  const env = { ...process.env, RUNLET: `${process.execPath} ${MAIN}` };
  return resultOf(spawn('bash', ['-c', script], { env, stdio: ['ignore', 'pipe', 'pipe'] }));
}

describe('runlet run', () => {
  it('works where the folder for temporary files is missing or has a long name', async () => {
    const folder = join(await temporaryFolder(), 'x'.repeat(90));
    await mkdir(folder);
    for (const TMPDIR of ['/nonexistent', folder]) {
      const result = await runCli(['run', '--', 'echo', 'hello'], '', {
        env: { ...process.env, TMPDIR },
      });
      expect([result.code, result.stdout.toString()]).toEqual([0, 'hello\n']);
    }
  });

  it('needs no working directory but the one that is named', async () => {
    const gone = `d=${await temporaryFolder()}/d; mkdir $d; cd $d; rmdir $d`;
    const named = await shell(`${gone}; $RUNLET run --cwd / -- pwd`);
    expect([named.code, named.stdout.toString()]).toEqual([0, '/\n']);
    const own = await shell(`${gone}; $RUNLET run -- true`);
    expect(own.stderr).toBe(
      'runlet: the working directory: no such folder: ENOENT (START_FAILED)\n',
    );
  });

  // Where there is no proc(5) nothing tells what Node.js has changed.
  it.runIf(process.platform === 'linux')('hands on what is not UTF-8 as it is', async () => {
    const folder = `cd ${await temporaryFolder()}; mkdir $'d\\xe9'; cd $'d\\xe9'`;
    const program = `sh -c 'printf "%s|" "$1" "$V" "$W" "\${PWD##*/}"' sh $'\\xe9'`;
    const { stdout } = await shell(`${folder}; V=$'\\x80' $RUNLET run -e W=$'\\xff' -- ${program}`);
    expect(stdout.toString('latin1')).toBe('\xe9|\x80|\xff|d\xe9|');
  });

  it.runIf(process.platform === 'linux')('refuses it where a text is told', async () => {
    const result = await shell("$RUNLET run --label a=$'\\xe9' true");
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/^runlet: --label is not UTF-8: /);
  });

  it('takes the character that stands for such bytes', async () => {
    const { stdout } = await runCli(['run', '--', 'echo', '\ufffd']);
    expect(stdout.toString()).toBe('\ufffd\n');
  });
});
